// Loads a contestant with whatever the case is for.

import { toUrl } from '../check.ts';
import type { Contestant } from '../contestant.ts';
import type { Stage } from '../stage.ts';
import { runH2load } from './h2load.ts';
import type { Load, LoadReport, Target } from './load.ts';
import { runOpenLoop } from './open-loop.ts';
import { runWrk } from './wrk.ts';

export function runLoad(stage: Stage, contestant: Contestant, load: Load): Promise<LoadReport> {
  const target: Target = { url: toUrl(contestant, load.request), headers: contestant.headers };
  if (load.kind === 'http1') return runWrk(stage, target, load);
  if (load.kind === 'http2') return runH2load(stage, target, load);
  return runOpenLoop(stage, target, { ...load, requestsPerSecond: load.kind.requestsPerSecond });
}
