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

/** Among the words of proc(5)'s `stat` behind the name. */
const POLICY = 38;
const SCHED_IDLE = '5';

test(
  'the gateway thread has the measured core to itself; of the others, the main thread has what the load leaves of the other core',
  { skip },
  async (t) => {
    const stage = await openStage(t.signal);
    t.after(() => stage.close());
    const { pid } = await startTollgate(stage, { dataDir: join(stage.folder, 'data'), cores: { proxy: 0, load: 1 } });
    const bound = { gateway: new Set<string>(), others: new Set<string>() };
    const idle: string[] = [];
    for (const [tid, { name }] of readProcessTimes(pid).threads) {
      const status = readFileSync(`/proc/${pid}/task/${tid}/status`, 'utf8');
      const cores = /^Cpus_allowed_list:\s+(\S+)$/m.exec(status)?.[1] ?? '';
      const [, after = ''] = readFileSync(`/proc/${pid}/task/${tid}/stat`, 'utf8').split(') ');
      if (after.split(' ')[POLICY] === SCHED_IDLE) idle.push(name);
      bound[isGatewayThread(name) ? 'gateway' : 'others'].add(cores);
    }
    assert.deepEqual([[...bound.gateway], [...bound.others]], [['0'], ['1']]);
    assert.deepEqual(idle, ['node-MainThread']);
  },
);
