// What another program says when it makes a gateway, checked as strictly as a request: its author may write JavaScript.

import type { Declaration } from '../control/gateways/declaration-schema.ts';
import type { PrivateTargets } from '../control/gateways/target-faults.ts';
import { DeclarationError } from '../declared/fault-error.ts';
import type { KeyEntry } from '../declared/keys.ts';
import type { EdgeLimits } from '../gateway/edge/limits.ts';
import type { ExchangeRecord } from '../gateway/ports.ts';
import type { PathRules } from '../gateway/route-path.ts';
import { isIpRange } from '../lib/ip-range.ts';
import { nearest } from '../lib/nearest.ts';

export interface LogEntry {
  readonly level: 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface GatewayOptions {
  /** Gateways as `tollgate apply` takes them: `{ gateways: […] }`, or the path of a YAML or JSON file. */
  readonly config?: Declaration | string;
  /** In its place: the one service that gets every request, such as `http://127.0.0.1:3000`. */
  readonly upstream?: string;
  /** Keys as `tollgate key-file` writes them, or the path of that file. */
  readonly keys?: readonly KeyEntry[] | string;
  /** With `upstream`: everybody may call, without a key. */
  readonly open?: boolean;
  /** Of keys that name no limits: 100 a minute, 1,000 an hour, 10,000 a day unless told; `{}` for none. */
  readonly defaultRateLimit?: NonNullable<KeyEntry['rateLimit']>;
  /** Of an address, at endpoints that need no key, over all of them: 600 unless told; 0 for none. */
  readonly publicRequestsPerMinute?: number;
  /** The pepper that the keys were hashed under, when it was given to `tollgate key-file`. */
  readonly hmacSecret?: string;
  /** The one before it, while keys are still hashed under that. */
  readonly previousHmacSecret?: string;
  /** Addresses and ranges of the proxies before the program that are believed in whom they forward for. */
  readonly trustedProxies?: readonly string[];
  /** Whether services may stand on this machine and in private networks; `allow` unless told. */
  readonly privateTargets?: PrivateTargets;
  /** How paths are compared; strictly unless told. */
  readonly paths?: Partial<PathRules>;
  /** What a request, a connection, and all together may ask. */
  readonly limits?: Partial<EdgeLimits>;
  /** Called with the record of every exchange when it is over, refused and broken ones too. What it throws is logged. */
  readonly onRecord?: (record: ExchangeRecord) => void;
  /** Called with what an operator should know; written to standard error as JSON lines unless told. */
  readonly onLog?: (entry: LogEntry) => void;
}

export const DEFAULT_LIMITS: EdgeLimits = {
  headBytes: 16_384,
  targetBytes: 8192,
  fields: 100,
  bodyBytes: 1_073_741_824,
  headTimeoutMs: 15_000,
  idleTimeoutMs: 75_000,
  minBytesPerSecond: 100,
  requestsPerConnection: 100_000,
  connections: 10_000,
  connectionsPerAddress: 1000,
};

const PATH_VALUES: { readonly [Name in keyof PathRules]: readonly PathRules[Name][] } = {
  case: ['sensitive', 'insensitive'],
  trailingSlash: ['keep', 'ignore'],
  doubleSlashes: ['keep', 'merge'],
  encodedSlash: ['keep', 'separate', 'refuse'],
  dotSegments: ['refuse', 'redirect'],
};

const RATE_LIMITS = ['requestsPerMinute', 'requestsPerHour', 'requestsPerDay', 'requestsPerMonth', 'burst'];

type Check = (value: unknown) => string | undefined;

const CHECKS: { readonly [Name in keyof Required<GatewayOptions>]: Check } = {
  config: (value) => (isObject(value) || isText(value) ? undefined : 'must be { gateways: […] } or the path of a file'),
  upstream: (value) => (isText(value) ? undefined : 'must be a URL such as http://127.0.0.1:3000'),
  keys: (value) => (Array.isArray(value) || isText(value) ? undefined : 'must be a list of keys or the path of a file'),
  open: (value) => (typeof value === 'boolean' ? undefined : 'must be true or false'),
  defaultRateLimit: (value) => checkMembers(value, RATE_LIMITS, 1),
  publicRequestsPerMinute: (value) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
      ? undefined
      : 'must be a whole number, 0 or more',
  hmacSecret: checkSecret,
  previousHmacSecret: checkSecret,
  trustedProxies: (value) =>
    Array.isArray(value) && value.every((entry) => typeof entry === 'string' && isIpRange(entry))
      ? undefined
      : 'must be a list of addresses and ranges such as 10.0.0.0/8',
  privateTargets: (value) => (value === 'allow' || value === 'refuse' ? undefined : 'must be allow or refuse'),
  paths: checkPaths,
  limits: (value) => checkMembers(value, Object.keys(DEFAULT_LIMITS), 0),
  onRecord: checkFunction,
  onLog: checkFunction,
};

/** Throws a DeclarationError that tells every fault. */
export function checkOptions(options: GatewayOptions): void {
  if (!isObject(options))
    throw new DeclarationError(['createGateway: needs an object, such as { config: "api.yaml" }']);
  const faults: string[] = [];
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const fault = isOptionName(name) ? CHECKS[name](value) : unknownName(name, Object.keys(CHECKS));
    if (fault !== undefined) faults.push(`${name}: ${fault}`);
  }
  if (options.config === undefined && options.upstream === undefined)
    faults.push('config: is missing: give { gateways: […] } or the path of a file, or name one service as upstream');
  if (options.config !== undefined && options.upstream !== undefined)
    faults.push('upstream: goes without config, which says where its services are');
  if (options.open === true && options.upstream === undefined)
    faults.push('open: goes with upstream; in config, authRequired: false opens an endpoint');
  if (faults.length > 0) throw new DeclarationError(faults);
}

function isOptionName(name: string): name is keyof GatewayOptions {
  return Object.hasOwn(CHECKS, name);
}

function unknownName(name: string, known: readonly string[]): string {
  const guess = nearest(name, known);
  return guess === undefined ? `is not known; there are ${known.join(', ')}` : `is not known; did you mean ${guess}?`;
}

function checkNames(value: unknown, known: readonly string[]): string | undefined {
  if (!isObject(value)) return `must be an object with any of ${known.join(', ')}`;
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  return unknown === undefined ? undefined : `${unknown} ${unknownName(unknown, known)}`;
}

function checkPaths(value: unknown): string | undefined {
  const fault = checkNames(value, Object.keys(PATH_VALUES));
  if (fault !== undefined || !isObject(value)) return fault;
  const values: Readonly<Record<string, readonly string[]>> = PATH_VALUES;
  const given: readonly (readonly [string, unknown])[] = Object.entries(value);
  const wrong = given.find(([name, one]) => values[name]?.some((known) => known === one) !== true);
  return wrong === undefined ? undefined : `${wrong[0]} must be ${values[wrong[0]]?.join(' or ')}`;
}

function checkMembers(value: unknown, known: readonly string[], least: number): string | undefined {
  const fault = checkNames(value, known);
  if (fault !== undefined || !isObject(value)) return fault;
  const wrong = Object.entries(value).find(
    ([, number]) => typeof number !== 'number' || !Number.isSafeInteger(number) || number < least,
  );
  return wrong === undefined ? undefined : `${wrong[0]} must be a whole number, ${least} or more`;
}

function checkSecret(value: unknown): string | undefined {
  return isText(value) && value.length >= 32 ? undefined : 'must have at least 32 characters';
}

function checkFunction(value: unknown): string | undefined {
  return typeof value === 'function' ? undefined : 'must be a function';
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
