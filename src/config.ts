// Every setting of Tollgate in one table. Read once, from `tollgate.yaml` (or the file that TOLLGATE_CONFIG names) and then from the
// environment (`TOLLGATE_` + name), checked, frozen.

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parse as parseYaml } from 'yaml';
import { isIpRange } from './lib/ip-range.ts';
import { nearest } from './lib/nearest.ts';
import { LIMIT_SETTINGS } from './limit-settings.ts';
import { boolean, choice, integer, list, optional, type Setting, textual } from './lib/setting.ts';

/** One setting that cannot be used, in words that name it and say what to do. */
export class SettingsError extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('\n'));
    this.name = 'SettingsError';
    this.faults = faults;
  }
}

export const SETTINGS = {
  PORT: integer(8080, 0, 65_535, { meaning: 'TCP port on which the gateway listens; 0 takes a free one.' }),
  HOST: textual('0.0.0.0', 'address', /^[0-9A-Za-z.:_-]+$/, {
    meaning: 'Address on which the gateway listens; `127.0.0.1` for this machine only, `::` for IPv6 and IPv4.',
  }),
  TRUSTED_PROXIES: list([], 'addresses and CIDR ranges, separated by commas', isIpRange, {
    meaning:
      'Proxies before the gateway, such as `10.0.0.0/8, 192.0.2.7`, that are believed in whom they forward for (`X-Forwarded-*`, `Forwarded`) and in `X-Request-Id`. What anybody else says there is overwritten.',
  }),
  TLS_PORT: integer(0, 0, 65_535, {
    meaning:
      'TCP port for HTTPS, HTTP/2 and HTTP/1.1, beside `PORT`, which stays; needs `TLS_CERTIFICATES`. TLS 1.2 and 1.3.',
    defaultText: '`0`: no TLS',
  }),
  TLS_CERTIFICATES: optional('folder', /./, {
    meaning:
      'Folder with pairs `<name>.crt` (PEM, the certificate first, then its chain) and `<name>.key`. The names served are those in each certificate, wildcards too; the pair `default` serves all others, which are refused without it. Looked at every two seconds: what has changed is shown to new connections.',
  }),
  DATA_DIR: textual('./data', 'folder', /./, {
    meaning:
      'Folder for the embedded Postgres, the secrets made at the first start, and the lock. One Tollgate at a time.',
  }),
  DATABASE_URL: optional('postgres:// URL', /^postgres(ql)?:\/\/./, {
    meaning:
      'PostgreSQL to use in place of the embedded one, as `postgres://user:password@host:5432/database`. The user owns the tables and needs `CREATEROLE`, or a role that was prepared (docs/tenants-and-roles.md).',
    secret: true,
  }),
  REDIS_URL: optional('redis:// URL', /^rediss?:\/\/./, {
    meaning:
      'Redis for limits that hold over several nodes; without it the threads of one process share them in memory.',
    secret: true,
  }),
  THREADS: integer(availableParallelism(), 1, 256, {
    meaning: 'Gateway threads; each serves connections of its own.',
    defaultText: 'the number of cores',
  }),
  HMAC_SECRET: optional('at least 32 characters', /^.{32,}$/, {
    meaning:
      'Pepper under which keys are hashed. All nodes of one database need the same; whoever loses it loses every key.',
    defaultText: 'made once, kept in `DATA_DIR/hmac-secret`',
    secret: true,
  }),
  HMAC_SECRET_PREVIOUS: optional('at least 32 characters', /^.{32,}$/, {
    meaning:
      'The pepper before `HMAC_SECRET`, while that is being exchanged: keys hashed under it go on working and are hashed anew when they are used. The start says how many keys neither of the two fits.',
    secret: true,
  }),
  ENCRYPTION_KEY: optional('64 hexadecimal digits', /^[0-9a-fA-F]{64}$/, {
    meaning: 'Key (AES-256) for secrets that must be read again. All nodes of one database need the same.',
    defaultText: 'made once, kept in `DATA_DIR/encryption-key`',
    secret: true,
  }),
  KEY_PREFIX: textual('tg_live', 'lower-case letters, digits, _', /^[a-z][a-z0-9_]{0,30}[a-z0-9]$/, {
    meaning: 'What the text of new keys begins with, so that people and leak scanners know it.',
  }),
  UNDEFINED_SCOPES: choice('accept', ['accept', 'refuse'], {
    meaning:
      'Whether keys and roles may hold scopes that no endpoint requires and Tollgate does not know: `refuse` finds misspelt ones, but then endpoints come before the keys for them.',
  }),
  KEY_CACHE_ENTRIES: integer(10_000, 100, 10_000_000, {
    meaning: 'Keys that each gateway thread remembers; of more, those used longest ago are looked up again.',
  }),
  KEY_CACHE_SECONDS: integer(300, 1, 86_400, {
    meaning: 'How long a key is remembered. Changes are told at once, and do not wait for it.',
  }),
  KEY_CACHE_AWAY_SECONDS: integer(900, 0, 604_800, {
    meaning:
      'How much longer remembered keys go on while the database is away. Their expiry holds all the same; keys that are not remembered get 503.',
  }),
  KEY_EXPIRY_NOTICE_DAYS: integer(7, 1, 365, {
    meaning: 'How long before a key expires the event `key.expiring` tells of it, once.',
  }),
  DELETED_TENANT_DAYS: integer(30, 0, 36_500, {
    meaning:
      'How long the rows of a deleted tenant stay in the database, seen by nobody; then they go for good, but for its audit log.',
  }),
  VALIDATIONS_PER_MINUTE: integer(600, 1, 2_147_483_647, {
    meaning: 'How often a minute one address (of IPv6, one /64) may call `POST /validate`.',
  }),
  ...LIMIT_SETTINGS,
  CLIENT_APPROVAL: choice('manual', ['manual', 'automatic'], {
    meaning:
      'What becomes of a client that is registered: `manual` leaves it pending until somebody approves it; `automatic` makes it active at once where whoever registers it holds every scope it asks for.',
  }),
  COUNTRY_HEADER: optional("a header's name", /^[A-Za-z0-9-]{1,100}$/, {
    meaning:
      'Header in which trusted proxies tell the country of a caller, such as `cf-ipcountry`; needs `TRUSTED_PROXIES`, who must set or remove it on every request.',
  }),
  GEOIP_DATABASE: optional('file', /./, {
    meaning:
      'Database of countries in MMDB format, such as `GeoLite2-Country.mmdb`, that tells the country of a caller where no trusted proxy does. Looked at every ten seconds: a new one counts at once, and one that cannot be used leaves the one before it in place. Put it there whole, by renaming it.',
  }),
  MAX_HEAD_BYTES: integer(16_384, 1024, 1_048_576, {
    meaning: 'Longest request line and headers together; longer ones get 431.',
  }),
  MAX_TARGET_BYTES: integer(8192, 256, 1_048_576, { meaning: 'Longest path and query; longer ones get 414.' }),
  MAX_HEADERS: integer(100, 10, 10_000, { meaning: 'Most headers of a request; more get 431.' }),
  MAX_BODY_BYTES: integer(1_073_741_824, 0, 1_099_511_627_776, {
    meaning: 'Longest request body, counted while it streams; longer ones get 413.',
  }),
  HEAD_TIMEOUT_SECONDS: integer(15, 1, 3600, {
    meaning: 'Time for a request line and its headers to come whole; then 408.',
  }),
  IDLE_TIMEOUT_SECONDS: integer(75, 1, 86_400, { meaning: 'How long a connection may wait for its next request.' }),
  MIN_BYTES_PER_SECOND: integer(100, 0, 1_000_000_000, {
    meaning:
      'Slowest pace, over ten seconds, at which a caller may send a body or read an answer; slower ones are cut off.',
  }),
  MAX_REQUESTS_PER_CONNECTION: integer(100_000, 1, 2_147_483_647, {
    meaning: 'After so many requests a connection is closed in order.',
  }),
  MAX_CONNECTIONS: integer(10_000, 1, 1_000_000, {
    meaning: 'Most connections at a time; further ones are closed at once.',
  }),
  MAX_CONNECTIONS_PER_ADDRESS: integer(1000, 1, 1_000_000, {
    meaning:
      'Most connections from one address (of IPv6, one /64) at a time; further ones are closed at once. Trusted proxies have as many as they like.',
  }),
  PATH_CASE: choice('sensitive', ['sensitive', 'insensitive'], {
    meaning:
      'Whether `/Users` is another path than `/users` when a request is matched. What goes on to the service stays as it came.',
  }),
  PATH_TRAILING_SLASH: choice('keep', ['keep', 'ignore'], {
    meaning: 'Whether `/users/` is another path than `/users`.',
  }),
  PATH_DOUBLE_SLASHES: choice('keep', ['keep', 'merge'], { meaning: 'Whether `/a//b` is another path than `/a/b`.' }),
  PATH_ENCODED_SLASH: choice('keep', ['keep', 'separate', 'refuse'], {
    meaning:
      '`%2F` in a path: a letter of its segment, the end of one like `/`, or a reason to refuse the request with 400.',
  }),
  PATH_DOT_SEGMENTS: choice('refuse', ['refuse', 'redirect'], {
    meaning:
      '`/./` and `/../` in a path: refused with 400, or answered with 308 and the path that they resolve to. They never go on to a service.',
  }),
  PRIVATE_TARGETS: choice('allow', ['allow', 'refuse'], {
    meaning:
      'Whether gateways may lead to this machine and to private networks. Link-local addresses and metadata services of clouds are refused in any case.',
  }),
  DRAIN_DELAY_SECONDS: integer(1, 0, 300, {
    meaning:
      'On SIGTERM: how long `/health/ready` answers 503 before the listeners close, for load balancers to notice.',
  }),
  DRAIN_SECONDS: integer(30, 0, 3600, {
    meaning: 'On SIGTERM: how long requests in flight may take to finish before they are broken.',
  }),
  METRICS_NETWORKS: list(['127.0.0.0/8', '::1'], 'addresses and CIDR ranges, separated by commas', isIpRange, {
    meaning:
      'Who may have `GET /metrics`, which tells of all gateways of all tenants, without a credential: this machine, unless told. Such as `127.0.0.1, 10.0.0.0/8`.',
  }),
  DEMO: boolean(true, {
    meaning:
      'Whether an empty store is filled from `examples/quickstart.yaml` and its echo service runs on loopback. Set to `false` in production.',
  }),
  DEMO_PORT: integer(8081, 1, 65_535, { meaning: 'Loopback port of the echo service.' }),
  LOG_LEVEL: choice('info', ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
    meaning: 'Least level of what is logged, as JSON lines on standard error.',
  }),
} as const;

type SettingName = keyof typeof SETTINGS;
type ValueOf<S> = S extends Setting<infer Value> ? Value : never;

export type Settings = { readonly [Name in SettingName]: ValueOf<(typeof SETTINGS)[Name]> };

export interface LoadedSettings {
  readonly settings: Settings;
  /** Where each value came from. */
  readonly sources: Readonly<Record<SettingName, 'default' | 'file' | 'environment'>>;
}

const PREFIX = 'TOLLGATE_';
const NO_SETTING = /^(?:CONFIG|URL|API_KEY|PROFILE)$/; // The last three are for commands that call the API.

/** Reads the settings file and the environment; throws a SettingsError that tells every fault. */
export function loadSettings(env: Readonly<Record<string, string | undefined>>): LoadedSettings {
  const faults: string[] = [];
  const given = new Map<string, { text: string; source: 'file' | 'environment'; shown: string }>();
  const named = env[`${PREFIX}CONFIG`] ?? '';
  const file = named === '' ? 'tollgate.yaml' : named;
  for (const [key, value] of Object.entries(readSettingsFile(file, named !== ''))) {
    const name = key.toUpperCase();
    if (key !== key.toLowerCase() || !isSettingName(name))
      faults.push(unknownName(key, `${file}: `, (known) => known.toLowerCase()));
    else if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      given.set(name, { text: String(value), source: 'file', shown: `${name} (${file})` });
    } else faults.push(`${name} (${file}): must be a plain value`);
  }
  for (const [variable, value] of Object.entries(env)) {
    const name = variable.slice(PREFIX.length);
    if (!variable.startsWith(PREFIX) || NO_SETTING.test(name) || value === undefined) continue;
    if (!isSettingName(name)) faults.push(unknownName(variable, '', (known) => PREFIX + known));
    // An empty variable means "not given", as in container files.
    else if (value !== '') given.set(name, { text: value, source: 'environment', shown: variable });
  }

  const values: Partial<Record<SettingName, unknown>> = {};
  const sources: Partial<Record<SettingName, 'default' | 'file' | 'environment'>> = {};
  for (const name of settingNames()) {
    const setting: Setting<unknown> = SETTINGS[name];
    const entry = given.get(name);
    values[name] = entry === undefined ? setting.default : setting.parse(entry.text);
    sources[name] = entry?.source ?? 'default';
    if (entry !== undefined && values[name] === undefined) {
      const was = setting.secret ? 'the value' : JSON.stringify(entry.text);
      faults.push(`${entry.shown}: ${was} must be ${setting.type}`);
    }
  }
  if (faults.length > 0) throw new SettingsError(faults);
  // The loop above filled every name of the table with a value that its own parser made.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one place where text becomes typed settings; config.test.ts
  return Object.freeze({ settings: Object.freeze(values), sources: Object.freeze(sources) }) as LoadedSettings;
}

/** A value as it may be shown to people: secrets masked, of URLs only the passwords. */
export function showSetting(name: SettingName, value: Settings[SettingName]): string {
  if (value === undefined) return '';
  if (!SETTINGS[name].secret) return String(value);
  const url = name.endsWith('_URL') ? URL.parse(String(value)) : null;
  if (url === null || url.host === '') return '***';
  if (url.password !== '') url.password = '***';
  for (const parameter of new Set(url.searchParams.keys()))
    if (/pass|secret|token/i.test(parameter)) url.searchParams.set(parameter, '***');
  return url.href;
}

export function settingNames(): SettingName[] {
  return Object.keys(SETTINGS).filter(isSettingName);
}

function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name);
}

function unknownName(name: string, where: string, spell: (known: string) => string): string {
  const guess = nearest(name, settingNames().map(spell));
  return `${where}${name}: there is no such setting${guess === undefined ? '; `tollgate config` lists them' : `; did you mean ${guess}?`}`;
}

function readSettingsFile(file: string, required: boolean): Record<string, unknown> {
  let source: string;
  try {
    source = readFileSync(file, 'utf8');
  } catch (cause) {
    if (!required && cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return {};
    throw new SettingsError([`TOLLGATE_CONFIG: the file ${file} cannot be read`]);
  }
  try {
    const parsed: unknown = parseYaml(source) ?? {};
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed))
      return Object.fromEntries(Object.entries(parsed));
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : '';
    throw new SettingsError([`${file}: not valid YAML: ${reason}`]);
  }
  throw new SettingsError([`${file}: must hold settings as "name: value" lines, such as "port: 8080"`]);
}
