// HTTP/1.1 in a closed loop: each connection sends its next request when it has its answer.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RequestShape } from '../cases.ts';
import type { Stage } from '../stage.ts';
import { runToEnd, type Load, type LoadReport, type Target } from './load.ts';
import { parseWrkReport } from './wrk-report.ts';
import { toWrkScript, VARYING_SCRIPT } from './wrk-script.ts';

const REQUEST_TIMEOUT_SECONDS = 5;

export async function runWrk(stage: Stage, { url, headers }: Target, load: Load): Promise<LoadReport> {
  const { request, seconds, connections, core } = load;
  const sent = { ...headers, ...(request.closes && { Connection: 'close' }) };
  const args = [
    '--threads=1',
    `--connections=${connections}`,
    `--duration=${seconds}s`,
    `--timeout=${REQUEST_TIMEOUT_SECONDS}s`,
    '--latency',
    ...(await toScriptArgs(stage, request)),
    ...Object.entries(sent).flatMap(([name, value]) => ['--header', `${name}: ${value}`]),
    url,
  ];
  return parseWrkReport(await runToEnd(stage, { file: 'wrk', args, core }, seconds));
}

async function toScriptArgs(stage: Stage, { route, bodyBytes }: RequestShape): Promise<string[]> {
  if (route.method === 'GET' && route.varies !== true) return [];
  const file = join(stage.folder, `wrk${route.path.replace('/', '-')}-${bodyBytes}.lua`);
  await writeFile(file, route.method === 'GET' ? VARYING_SCRIPT : toWrkScript(route.method, bodyBytes));
  return ['--script', file];
}
