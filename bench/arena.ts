// What all cases of a run share: the upstream, the peers, and Tollgate as it was set up, of which every case gets a copy.

import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCertificate } from '../test/harness/certificates.ts';
import {
  OURS,
  startBareNginx,
  toTollgateContestants,
  type Contestant,
  type Keys,
  type ProxyPlan,
} from './contestant.ts';
import type { Flags } from './flags.ts';
import { issueKey, publishBench, setUp } from './management.ts';
import { startLuaNginx } from './nginx-lua.ts';
import { readResidentBytes } from './process-times.ts';
import type { AfterLoad } from './result.ts';
import type { Stage } from './stage.ts';
import { startTollgate } from './tollgate.ts';
import type { Tools } from './tools.ts';
import { startUpstream, type Upstream } from './upstream.ts';

export interface Arena {
  readonly stage: Stage;
  readonly flags: Flags;
  readonly tools: Tools;
  /** PEM. */
  readonly certificate: string;
  readonly certificates: string;
  /** The data of a Tollgate that is set up and does not run. */
  readonly dataDir: string;
  /** Spawn to ready on an empty folder. */
  readonly firstStartMs: number;
  readonly keys: Keys;
  readonly upstream: Upstream;
  readonly proxyPlan: ProxyPlan | undefined;
  /** Bare nginx, and nginx with Lua, as far as they are installed. */
  readonly peers: readonly Contestant[];
  /** Everybody, Tollgate too. */
  readonly contestants: readonly Pick<Contestant, 'name' | 'work'>[];
}

export async function openArena(stage: Stage, flags: Flags, tools: Tools): Promise<Arena> {
  const upstream = await startUpstream(stage, { nginx: tools.nginx, core: flags.loadCore });
  const { certificates, certificate, files } = await writeCertificate(stage);
  const dataDir = join(stage.folder, 'data');
  const { keys, firstStartMs } = await prepareTollgate(stage, dataDir, upstream.origin);
  const { nginx: file } = tools;
  const proxyPlan =
    file === undefined ? undefined : { file, core: flags.proxyCore, upstream: upstream.origin, certificate: files };
  const peers = proxyPlan === undefined ? [] : await startPeers(stage, tools, keys, proxyPlan);
  const contestants = [...peers, ...OURS].map(({ name, work }) => ({ name, work }));
  const setting = { stage, flags, tools, certificate, certificates, upstream };
  return { ...setting, dataDir, firstStartMs, keys, proxyPlan, peers, contestants };
}

async function startPeers(stage: Stage, tools: Tools, keys: Keys, plan: ProxyPlan): Promise<Contestant[]> {
  const bare = await startBareNginx(stage, plan);
  if (tools.luaModules === undefined) return [bare];
  const gate = await startLuaNginx(stage, {
    ...plan,
    modules: tools.luaModules,
    keys: [
      { id: 'wide', text: keys.apiKey, requestsPerMinute: 1_000_000_000 },
      { id: 'tight', text: keys.tightKey, requestsPerMinute: 1 },
    ],
  });
  return [bare, gate];
}

/** The pair `default`: whatever name a caller sends, it is shown. */
async function writeCertificate(stage: Stage) {
  const certificates = join(stage.folder, 'certificates');
  const files = { certificate: join(certificates, 'default.crt'), key: join(certificates, 'default.key') };
  const { certificate, key } = createCertificate(['localhost'], { name: 'default' });
  await mkdir(certificates);
  await writeFile(files.certificate, certificate);
  await writeFile(files.key, key);
  return { certificates, certificate, files };
}

async function prepareTollgate(stage: Stage, dataDir: string, upstream: string) {
  const tollgate = await startTollgate(stage, { dataDir });
  const management = await setUp(tollgate.origin);
  await publishBench(management, upstream);
  const keys: Keys = {
    adminKey: management.apiKey,
    apiKey: await issueKey(management),
    tightKey: await issueKey(management, 1),
  };
  await tollgate.stop();
  return { keys, firstStartMs: tollgate.readyMs };
}

export interface InTheRing {
  /** Bare, and with everything on: one process. */
  readonly contestants: readonly Contestant[];
  /** The work's result, or the reason why the process ended before it. */
  during<Result>(work: Promise<Result>): Promise<Result>;
  /** Ends it, and tells its memory until then. */
  readonly leave: () => Promise<AfterLoad>;
}

/** Tollgate anew, on a copy of its data: no case pays for the log that another one filled. */
export async function enterTollgate({ stage, flags, dataDir, certificates, keys }: Arena): Promise<InTheRing> {
  const copy = join(stage.folder, 'data-in-use');
  await cp(dataDir, copy, { recursive: true });
  const cores = { proxy: flags.proxyCore, load: flags.loadCore };
  const tollgate = await startTollgate(stage, { dataDir: copy, cores, certificates });
  return {
    contestants: toTollgateContestants(tollgate, keys),
    during: (work) => tollgate.during(work),
    async leave() {
      const { now, peak } = readResidentBytes(tollgate.pid);
      await tollgate.stop();
      await rm(copy, { recursive: true, force: true });
      return { residentBytes: now, peakBytes: peak };
    },
  };
}
