// What limits in Redis cost a gateway, and how exactly two nodes hold one: nodes are processes of their own, Redis runs beside them.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { NodeJob, NodeResult } from './limits-node.ts';
import type { Figure } from './limits.ts';
import { openLink, readProcessorMicroseconds } from './redis-cost.ts';

const PACE = { perSecond: 10_000, seconds: 5 } as const;
const ROUNDS = 3;

// The run that others published: 500 a second allowed, 800 a second asked for, half a minute, two nodes.
const ALLOWED_PER_SECOND = 500;
const ASKED_PER_SECOND = 800;
const ACCURACY_SECONDS = 30;
const NODES = 2;

export async function measureRedis(url: string, signal: AbortSignal): Promise<Figure[]> {
  const rounds: { readonly alone: NodeResult; readonly local: NodeResult; readonly deny: NodeResult }[] = [];
  const link = await openLink(url);
  const byRedis: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const alone = await runNode({ ...PACE, url, kind: 'pace alone' }, signal);
    const usedBefore = await readProcessorMicroseconds(link);
    const local = await runNode({ ...PACE, url, kind: 'six checks', onFailure: 'local' }, signal);
    // All calls are admitted, those to warm up too.
    byRedis.push(((await readProcessorMicroseconds(link)) - usedBefore) / local.admitted);
    const deny = await runNode({ ...PACE, url, kind: 'six checks', onFailure: 'deny' }, signal);
    rounds.push({ alone, local, deny });
  }
  link.destroy();
  const added = (of: 'local' | 'deny'): number =>
    median(rounds.map((round) => round[of].processorMicroseconds - round.alone.processorMicroseconds));
  return [
    {
      what: 'on Redis, 10,000 a second over six checks: processor time of the gateway',
      unit: 'µs',
      value: added('local'),
      below: 10,
    },
    { what: 'the same, where local counting is not asked for', unit: 'µs', value: added('deny'), below: 10 },
    { what: 'the same, of Redis', unit: 'µs', value: median(byRedis) },
    { what: 'added to a request, median', unit: 'ms', value: median(rounds.map(({ local }) => local.p50Ms)) },
    { what: 'added to a request, p99', unit: 'ms', value: median(rounds.map(({ local }) => local.p99Ms)), below: 2 },
    {
      what: 'calls that Redis did not decide',
      unit: '',
      value: sum(rounds.map(({ local, deny }) => local.unavailable + deny.unavailable)),
      below: 1,
    },
  ];
}

/**
 * Our windows begin with the minute, so a limit of one second is a bucket here, which holds a second's worth and regains 500 a second. How
 * many of exactly these calls it lets through by its definition, the list of their times tells.
 */
export async function measureAccuracy(url: string, signal: AbortSignal): Promise<Figure[]> {
  const limit = {
    algorithm: 'bucket',
    window: 'minute',
    limit: ALLOWED_PER_SECOND * 60,
    burst: ALLOWED_PER_SECOND,
  } as const;
  const check = { subject: `accuracy:${Date.now()}`, limit };
  const pace = { perSecond: ASKED_PER_SECOND / NODES, seconds: ACCURACY_SECONDS };
  const nodes = await Promise.all(
    Array.from({ length: NODES }, async () => runNode({ ...pace, url, kind: 'one limit', check }, signal)),
  );
  const admitted = sum(nodes.map((node) => node.admitted));
  const defined = countByDefinition(nodes.flatMap(({ decidedAtMs }) => decidedAtMs));
  const run = `two nodes, ${ALLOWED_PER_SECOND}/s allowed, ${ASKED_PER_SECOND}/s asked, ${ACCURACY_SECONDS} s`;
  return [
    { what: `${run}: admitted`, unit: '', value: admitted },
    { what: 'what the bucket lets through of these calls', unit: '', value: defined },
    {
      what: 'off by (others published +18, and −12 after a fix)',
      unit: '%',
      value: (admitted / defined - 1) * 100,
      within: 0,
    },
  ];
}

/** A bucket in whole numbers: thousandths of a call, of which it regains as many a millisecond as are allowed a second. */
function countByDefinition(atMs: readonly number[]): number {
  const CALL = 1000;
  let left = ALLOWED_PER_SECOND * CALL;
  let lastMs = 0;
  let admitted = 0;
  for (const nowMs of atMs.toSorted((a, b) => a - b)) {
    left = Math.min(ALLOWED_PER_SECOND * CALL, left + (nowMs - lastMs) * ALLOWED_PER_SECOND);
    lastMs = nowMs;
    if (left < CALL) continue;
    left -= CALL;
    admitted++;
  }
  return admitted;
}

async function runNode(job: NodeJob, signal: AbortSignal): Promise<NodeResult> {
  const running = promisify(execFile)(process.execPath, [new URL('limits-node.ts', import.meta.url).pathname], {
    signal,
  });
  running.child.stdin?.end(JSON.stringify(job));
  const { stdout } = await running;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by our own process a moment ago: limits-node.ts
  return JSON.parse(stdout) as NodeResult;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
