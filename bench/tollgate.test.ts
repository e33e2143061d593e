import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readProcessTimes } from './process-times.ts';
import { openStage } from './stage.ts';
import { isGatewayThread, startTollgate } from './tollgate.ts';
import { findTools } from './tools.ts';

const canBind = findTools(process.env).tools !== undefined && availableParallelism() > 1;
const skip = canBind ? false : 'taskset is not installed, or there is one core only';

test(
  'the gateway thread has the measured core to itself, and all other threads are on the other',
  { skip },
  async (t) => {
    const stage = await openStage(t.signal);
    t.after(() => stage.close());
    const { pid } = await startTollgate(stage, { dataDir: join(stage.folder, 'data'), cores: { proxy: 0, load: 1 } });
    const bound = { gateway: new Set<string>(), others: new Set<string>() };
    for (const [tid, { name }] of readProcessTimes(pid).threads) {
      const status = readFileSync(`/proc/${pid}/task/${tid}/status`, 'utf8');
      const cores = /^Cpus_allowed_list:\s+(\S+)$/m.exec(status)?.[1] ?? '';
      bound[isGatewayThread(name) ? 'gateway' : 'others'].add(cores);
    }
    assert.deepEqual([[...bound.gateway], [...bound.others]], [['0'], ['1']]);
  },
);
