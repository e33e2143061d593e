// The numbers of a run, from the command line.

import { parseArgs } from 'node:util';
import { CASE_NAMES } from './cases.ts';

export interface Flags {
  /** Names of the cases that are measured, in the order of their table. */
  readonly cases: readonly string[];
  /** Rounds in which every contestant is loaded once, in the cases with a goal. */
  readonly rounds: number;
  /** In the other cases. */
  readonly otherRounds: number;
  /** How long the load of one contestant in one round lasts. */
  readonly seconds: number;
  /** How long each contestant is loaded before the first round of a case, uncounted. */
  readonly warmupSeconds: number;
  readonly connections: number;
  /** Starts with data present that are timed. */
  readonly starts: number;
  /** Where the contestants' requests are carried. */
  readonly proxyCore: number;
  /** Where everything else runs: the load, the upstream, and Tollgate's other threads. */
  readonly loadCore: number;
  /** After so long the run is given up. */
  readonly minutes: number;
  /** Whether the result is kept under bench/results/. */
  readonly save: boolean;
}

const OTHER_ROUNDS = 3;

export const USAGE = `npm run bench -- [flags]
  --only get,tls    only these cases: ${CASE_NAMES.join(', ')}
  --rounds 5        rounds in which every contestant is loaded once; unless told, cases without a goal take ${OTHER_ROUNDS}
  --seconds 5       of load for each contestant in a round; in latency for as long in all, in rounds of one second
  --warmup 3        seconds of load for each contestant before the first round of a case
  --connections 64  kept alive by the load
  --starts 3        timed starts with data present
  --proxy-core 0    the processor core on which the contestants carry requests
  --load-core 1     that of the load, the upstream and Tollgate's other threads
  --minutes 60      after which the run is given up
  --no-save         do not keep the result under bench/results/
  --quick           short and not kept, for trying out: --rounds 1 --seconds 1 --warmup 1 --starts 1 --no-save
  --help            this text

All cases take about 20 minutes, with --quick about 3. Everything listens on loopback only; nothing is left behind.`;

export class FlagError extends Error {}

interface Range {
  readonly name: string;
  readonly fallback: number;
  readonly min: number;
  readonly max: number;
}

/** Throws a FlagError in words for the caller. */
export function parseFlags(args: readonly string[]): Flags | 'help' {
  const values = parseNames(args);
  if (values.help === true) return 'help';
  const quick = values.quick ?? false;
  const rounds = parseNumber(values.rounds, { name: 'rounds', fallback: quick ? 1 : 5, min: 1, max: 50 });
  const flags: Flags = {
    cases: parseCases(values.only),
    rounds,
    otherRounds: values.rounds === undefined ? Math.min(rounds, OTHER_ROUNDS) : rounds,
    seconds: parseNumber(values.seconds, { name: 'seconds', fallback: quick ? 1 : 5, min: 1, max: 60 }),
    warmupSeconds: parseNumber(values.warmup, { name: 'warmup', fallback: quick ? 1 : 3, min: 1, max: 60 }),
    connections: parseNumber(values.connections, { name: 'connections', fallback: 64, min: 1, max: 1000 }),
    starts: parseNumber(values.starts, { name: 'starts', fallback: quick ? 1 : 3, min: 1, max: 20 }),
    proxyCore: parseNumber(values['proxy-core'], { name: 'proxy-core', fallback: 0, min: 0, max: 1023 }),
    loadCore: parseNumber(values['load-core'], { name: 'load-core', fallback: 1, min: 0, max: 1023 }),
    minutes: parseNumber(values.minutes, { name: 'minutes', fallback: 60, min: 1, max: 600 }),
    save: values.save ?? !quick,
  };
  if (flags.proxyCore === flags.loadCore) throw new FlagError('--proxy-core and --load-core must be two cores');
  return flags;
}

function parseNames(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowNegative: true,
      options: {
        only: { type: 'string' },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        warmup: { type: 'string' },
        connections: { type: 'string' },
        starts: { type: 'string' },
        'proxy-core': { type: 'string' },
        'load-core': { type: 'string' },
        minutes: { type: 'string' },
        save: { type: 'boolean' },
        quick: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (cause) {
    throw new FlagError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function parseCases(text: string | undefined): readonly string[] {
  if (text === undefined) return CASE_NAMES;
  const wanted = text.split(',').map((name) => name.trim());
  const unknown = wanted.filter((name) => !CASE_NAMES.includes(name));
  if (unknown.length > 0)
    throw new FlagError(`--only: there is no case ${unknown.join(', ')}; there are ${CASE_NAMES.join(', ')}`);
  return CASE_NAMES.filter((name) => wanted.includes(name));
}

function parseNumber(text: string | undefined, { name, fallback, min, max }: Range): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max)
    throw new FlagError(`--${name} must be a whole number from ${min} to ${max}`);
  return value;
}
