// The result for people.

import { toDoubts } from './doubts.ts';
import { toGoalLines } from './goals.ts';
import type { Result } from './result.ts';
import { toSummaryTable } from './summary-table.ts';

export function toReport(result: Result): string {
  const { machine, settings, commit, absences, contestants, goals, cases } = result;
  const { seconds, rounds, otherRounds, connections, proxyCore, loadCore, tickMs } = settings;
  const nginx = machine.nginx === null ? 'no nginx' : `nginx ${machine.nginx}`;
  const goalLines = toGoalLines(goals);
  return [
    `${machine.processor}, ${machine.cores} cores, Linux ${machine.kernel}; Node ${machine.node}, ${nginx}, wrk ${machine.wrk}; load before the run ${machine.loadAverage}`,
    `commit ${commit.id ?? 'none yet'}${commit.dirty ? ', with changes' : ''}; ${rounds} rounds (without a goal ${otherRounds}) of ${seconds} s, in latency for as long in rounds of 1 s; ` +
      `${connections} connections; requests are carried on core ${proxyCore}, all else runs on core ${loadCore}`,
    ...absences,
    ...contestants.map(({ name, work }) => `  ${name}: ${work}`),
    ...cases.map(({ name, what, requestsPerSecond }) => `  ${name}: ${what}${toRate(requestsPerSecond)}`),
    ...(cases.length === 0 ? [] : ['', ...toExplanation(tickMs), '', toSummaryTable(cases)]),
    ...toIdleLines(result),
    ...toRestLines(result),
    ...(goalLines.length === 0 ? [] : ['', 'Beside the goals:', ...goalLines]),
    ...toDoubts(cases.flatMap((measured) => measured.rounds.flat())),
  ].join('\n');
}

function toRate(requestsPerSecond: number | undefined): string {
  return requestsPerSecond === undefined ? '' : ` (${requestsPerSecond} a second)`;
}

function toExplanation(tickMs: number): string[] {
  return [
    `Processor time of a request, counted in ticks of ${tickMs} ms: "thread" is the gateway thread (of nginx the worker), "process"`,
    'everything in the process until it is idle again. Medians (least–greatest); ratios are medians of those within a round.',
    'requests/s, p50 and p99: at saturation, in a closed loop (each connection sends when it has its answer); in the case latency in an',
    'open loop, from when a request was due. recorded: how much of that the request log holds; what the store cannot take at this speed is',
    'dropped. errors: in the case latency also what was not answered.',
  ];
}

function toIdleLines({ idle }: Result): string[] {
  if (idle === undefined) return [];
  return [
    '',
    'Memory of idle connections (resident memory of the process before and after, one request on each), and processor time with all of them:',
    ...idle.summary.map(({ contestant, bytesPerConnection, processorMsPerSecond }) => {
      const sizes = bytesPerConnection.map(
        ({ connections, bytes }) => `${(bytes.median / 1024).toFixed(1)} KiB each of ${connections}`,
      );
      return `  ${contestant}: ${sizes.join(', ')}; ${processorMsPerSecond.median.toFixed(1)} ms a second`;
    }),
  ];
}

function toRestLines({ atRest, cases }: Result): string[] {
  const afterLoad = cases.find(({ name }) => name === 'get')?.afterLoad;
  const lines: string[] = [];
  if (atRest !== undefined) {
    const { startMs, startProcessorMs, firstStartMs, idleBytes, idleSeconds } = atRest;
    lines.push(
      '',
      `Start to ready: ${show(startMs.median)} ms with data present (${show(startMs.min)}–${show(startMs.max)}), ` +
        `${show(startProcessorMs.median)} ms of processor time; ${show(firstStartMs)} ms on an empty folder.`,
      `Memory at rest: ${toMebibytes(idleBytes)} MiB resident, ${idleSeconds} s after ready, one gateway thread, embedded Postgres.`,
    );
  }
  if (afterLoad !== undefined) {
    const { residentBytes, peakBytes } = afterLoad;
    if (lines.length === 0) lines.push('');
    lines.push(`Memory after the case get: ${toMebibytes(residentBytes)} MiB, at most ${toMebibytes(peakBytes)}.`);
  }
  return lines;
}

function show(ms: number): string {
  return ms.toFixed(0);
}

function toMebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}
