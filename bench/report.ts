// The result for people.

import type { Result } from './result.ts';
import { toSummaryTable } from './summary.ts';

export function toReport({
  machine,
  settings,
  commit,
  contestants,
  atRest,
  afterLoad,
  summary,
  rounds,
}: Result): string {
  const { seconds, connections, bodyBytes, proxyCore, loadCore, tickMs } = settings;
  const nginx = machine.nginx === null ? 'no nginx' : `nginx ${machine.nginx}`;
  const lines = [
    `${machine.processor}, ${machine.cores} cores, Linux ${machine.kernel}; Node ${machine.node}, ${nginx}, wrk ${machine.wrk}; load before the run ${machine.loadAverage}`,
    `commit ${commit.id ?? 'none yet'}${commit.dirty ? ', with changes' : ''}; ${rounds.length} rounds of ${seconds} s, ` +
      `${connections} connections, ${bodyBytes}-byte bodies; proxy on core ${proxyCore}, load and upstream on core ${loadCore}`,
    ...contestants.map(({ name, work }) => `  ${name}: ${work}`),
    '',
    `Processor time of a request, counted in ticks of ${tickMs} ms: "thread" is the gateway thread (of nginx the worker), "process"`,
    'everything in the process until it is idle again. Medians (least–greatest); ratios are medians of those within a round.',
    'requests/s, p50 and p99: at saturation, in a closed loop (each connection sends when it has its answer). recorded: how much',
    'of that the request log holds; what the store cannot take at this speed is dropped.',
    '',
    toSummaryTable(summary),
    '',
    `Start to ready: ${show(atRest.startMs.median)} ms with data present (${show(atRest.startMs.min)}–${show(atRest.startMs.max)}), ` +
      `${show(atRest.startProcessorMs.median)} ms of processor time; ${show(atRest.firstStartMs)} ms on an empty folder.`,
    `Memory at rest: ${toMebibytes(atRest.idleBytes)} MiB resident, ${atRest.idleSeconds} s after ready, one gateway thread, embedded Postgres; ` +
      `after the load ${toMebibytes(afterLoad.residentBytes)}, at most ${toMebibytes(afterLoad.peakBytes)}.`,
    ...toDoubts(rounds),
  ];
  return lines.join('\n');
}

const MUCH_STOLEN = 0.05;
const MUCH_OTHERS = 0.05;
const BUSY = 0.9;
const LOAD_SPARE = 0.03;

/** What makes a round doubtful, in words. */
function toDoubts(rounds: Result['rounds']): string[] {
  const all = rounds.flat();
  const count = (what: string, doubtful: readonly unknown[]): string[] =>
    doubtful.length === 0 ? [] : [`Doubtful: in ${doubtful.length} of ${all.length} measurements ${what}.`];
  return [
    ...count(
      'other programs or the hypervisor took more than 5 % of the proxy core',
      all.filter(({ proxyCore }) => proxyCore.others > MUCH_OTHERS || proxyCore.stolen > MUCH_STOLEN),
    ),
    ...count(
      'the load was what was slow, not the contestant',
      all.filter(({ proxyCore, loadCoreIdle }) => proxyCore.contestant < BUSY && loadCoreIdle < LOAD_SPARE),
    ),
    ...count(
      'the process was still busy half a minute after the load',
      all.filter(({ settled }) => !settled),
    ),
  ];
}

function show(ms: number): string {
  return ms.toFixed(0);
}

function toMebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}
