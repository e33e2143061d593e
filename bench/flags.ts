// The numbers of a run, from the command line.

import { parseArgs } from 'node:util';

export interface Flags {
  /** Rounds in which every contestant is loaded once. */
  readonly rounds: number;
  /** How long the load of one contestant in one round lasts. */
  readonly seconds: number;
  /** How long each contestant is loaded before the first round, uncounted. */
  readonly warmupSeconds: number;
  readonly connections: number;
  readonly bodyBytes: number;
  /** Starts with data present that are timed. */
  readonly starts: number;
  readonly proxyCore: number;
  /** Where the load and the upstream run. */
  readonly loadCore: number;
  /** Whether the result is kept under bench/results/. */
  readonly save: boolean;
}

export const USAGE = `npm run bench -- [flags]
  --rounds 5        rounds in which every contestant is loaded once
  --seconds 5       of load for each contestant in a round
  --warmup 5        seconds of load for each contestant before the first round
  --connections 64  kept alive by the load
  --body-bytes 100  in the upstream's answer
  --starts 3        timed starts with data present
  --proxy-core 0    the contestants' processor core
  --load-core 1     that of the load and the upstream
  --no-save         do not keep the result under bench/results/
  --quick           short and not kept, for trying out: --rounds 2 --seconds 1 --warmup 1 --starts 1 --no-save`;

export class FlagError extends Error {}

interface Range {
  readonly name: string;
  readonly fallback: number;
  readonly min: number;
  readonly max: number;
}

/** Throws a FlagError in words for the caller. */
export function parseFlags(args: readonly string[]): Flags {
  const values = parseNames(args);
  const quick = values.quick ?? false;
  const flags: Flags = {
    rounds: parseNumber(values.rounds, { name: 'rounds', fallback: quick ? 2 : 5, min: 1, max: 50 }),
    seconds: parseNumber(values.seconds, { name: 'seconds', fallback: quick ? 1 : 5, min: 1, max: 60 }),
    warmupSeconds: parseNumber(values.warmup, { name: 'warmup', fallback: quick ? 1 : 5, min: 1, max: 60 }),
    connections: parseNumber(values.connections, { name: 'connections', fallback: 64, min: 1, max: 1000 }),
    bodyBytes: parseNumber(values['body-bytes'], { name: 'body-bytes', fallback: 100, min: 1, max: 2000 }),
    starts: parseNumber(values.starts, { name: 'starts', fallback: quick ? 1 : 3, min: 1, max: 20 }),
    proxyCore: parseNumber(values['proxy-core'], { name: 'proxy-core', fallback: 0, min: 0, max: 1023 }),
    loadCore: parseNumber(values['load-core'], { name: 'load-core', fallback: 1, min: 0, max: 1023 }),
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
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        warmup: { type: 'string' },
        connections: { type: 'string' },
        'body-bytes': { type: 'string' },
        starts: { type: 'string' },
        'proxy-core': { type: 'string' },
        'load-core': { type: 'string' },
        save: { type: 'boolean' },
        quick: { type: 'boolean' },
      },
    }).values;
  } catch (cause) {
    throw new FlagError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function parseNumber(text: string | undefined, { name, fallback, min, max }: Range): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max)
    throw new FlagError(`--${name} must be a whole number from ${min} to ${max}`);
  return value;
}
