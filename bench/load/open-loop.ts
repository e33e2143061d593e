// HTTP/1.1 in an open loop: requests are sent when they are due, at a rate that the answers cannot slow.
//
// Why a generator of our own: wrk and hey wait for an answer before they send again, h2load holds a rate but counts from the sending, and wrk2 is not
// in Debian. One in Node was tried: at the rates in question it needs the whole core, and then measures itself. LuaJIT with system calls costs about
// what wrk does, and whoever has wrk has it. How late it was itself is printed.

import { join } from 'node:path';
import type { Stage } from '../stage.ts';
import { runToEnd, type Load, type LoadReport, type Target } from './load.ts';
import { parseOpenLoopReport } from './open-loop-report.ts';

const SCRIPT = join(import.meta.dirname, 'open-loop.lua');

export async function runOpenLoop(
  stage: Stage,
  { url, headers }: Target,
  { request, seconds, connections, core, requestsPerSecond }: Load & { readonly requestsPerSecond: number },
): Promise<LoadReport> {
  const { host, port, origin, pathname } = new URL(url);
  const fields = Object.entries({ Host: host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  const args = [
    '--threads=1',
    '--connections=1',
    `--script=${SCRIPT}`,
    origin,
    '--',
    port,
    String(requestsPerSecond),
    String(seconds),
    String(connections),
    String(request.route.answerBytes),
    `${request.route.method} ${pathname} HTTP/1.1\r\n${fields.join('')}\r\n`,
  ];
  return parseOpenLoopReport(await runToEnd(stage, { file: 'wrk', args, core, isPunctual: true }, seconds));
}
