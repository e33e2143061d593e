// A gateway without a database, put together: declared gateways and keys → gateway threads. What it serves, the files say.

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { Logger } from 'pino';
import { claimPort } from './claim-port.ts';
import type { SidecarOptions } from './cli/sidecar.ts';
import { SettingsError, type LoadedSettings, type Settings } from './config.ts';
import { openCountries, watchCountries } from './country-database.ts';
import { edgeLimitsOf, keyCacheOf, pathRulesOf } from './data-plane-settings.ts';
import { DeclarationError } from './declared/fault-error.ts';
import { findGuarded } from './declared/gateways.ts';
import { addEntry } from './declared/key-file.ts';
import { loadDeclared, type Declared, type DeclaredRules, type Sources } from './declared/load.ts';
import { watchFiles } from './file-watch.ts';
import type { Supervisor } from './gateway/supervision.ts';
import { spawnThreads } from './gateway/supervisor.ts';
import { toPseudonym } from './gateway/via.ts';
import { PEPPER_OF_FILES, toKeyHash } from './lib/key-hash.ts';
import { newKeyText } from './lib/key-text.ts';
import { toPeppers } from './lib/pepper.ts';
import { createCounters, limitSettingsOf } from './limit-counters.ts';
import { openAskedKeys } from './sidecar-keys.ts';
import { startThreads } from './start-threads.ts';
import { openCertificates, showNewCertificates } from './tls-certificates.ts';

const FIRST_KEYS = 'sidecar-keys.yaml';

export interface RunningSidecar {
  readonly port: number;
  readonly threads: number;
  /** How many keys there are; undefined where none is asked for. */
  readonly keys: number | undefined;
  /** Whoever is asked for keys in their place. */
  readonly controlPlane: string | undefined;
  /** The key that was made, and where what proves it was put: at the first start only. */
  readonly firstKey: { readonly text: string; readonly file: string } | undefined;
  /** Refuses new work, lets the work in flight finish, lets everything go. */
  stop(): Promise<void>;
}

export interface SidecarWorld {
  readonly env: DeclaredRules['env'];
  readonly log: Logger;
  /** Writes a line to standard output. */
  readonly print: (line: string) => void;
}

/** Starts a sidecar; throws a SettingsError for whatever the person who started it can mend. */
export async function startSidecar(
  options: SidecarOptions,
  loaded: LoadedSettings,
  { log, print, env }: SidecarWorld,
): Promise<RunningSidecar> {
  const { settings, sources } = loaded;
  const host = options.host ?? settings.HOST;
  const rules = rulesOf(settings, env);
  const { from, firstKey } = mending(() => findSources(options, settings, rules));
  let declared = mending(() => loadDeclared(from, rules));
  tellWarnings(declared, log);
  const asked = await openAskedKeys(options, loaded, { env, log });
  const certificates = openCertificates(settings, log);
  const port = await claimPort(host, options.port ?? settings.PORT);
  if (certificates !== undefined) await claimPort(host, settings.TLS_PORT, 'TLS_PORT');
  const threads = sources.THREADS === 'default' ? 1 : settings.THREADS;
  const supervisor = await startThreads(spawnThreads(threads), {
    log,
    findCredential: asked?.findCredential ?? (async (publicId) => declared.keys.get(publicId)),
    saveRehash: async () => {}, // The file is its owner's to write: the previous pepper stays until they have made the key anew.
    circuits: {
      take(thread, news) {
        if (news.state !== 'gone') log.warn({ thread, ...news }, 'the circuit of a target has changed');
      },
      drop() {},
    },
    async writeRecords(records) {
      if (options.logsRequests) for (const record of records) print(JSON.stringify(record));
    },
    boot: {
      host,
      port,
      threads,
      privateTargets: settings.PRIVATE_TARGETS,
      secretsKey: rules.secretsKey,
      hmacSecret: asked?.secret ?? rules.peppers.current.secret,
      previousHmacSecret: asked === undefined ? rules.peppers.previous?.secret : undefined,
      // Another name for every sidecar: one behind another is no loop.
      pseudonym: toPseudonym(randomBytes(32).toString('hex')),
      keyCache: asked?.keyCache ?? keyCacheOf(settings),
      findsByText: asked !== undefined,
      controlToken: '',
      trustedProxies: settings.TRUSTED_PROXIES,
      countries: openCountries(settings),
      limits: edgeLimitsOf(settings),
      // Behind Redis, sidecars count together whatever their seats here are called.
      counters: createCounters({ ...settings, THREADS: threads }, randomBytes(32).toString('hex')),
      limitSettings: limitSettingsOf(settings),
      redisUrl: settings.REDIS_URL,
      redisTimeoutMs: settings.REDIS_TIMEOUT_MS,
      tls: certificates && { port: settings.TLS_PORT, certificates: certificates.certificates },
      snapshot: declared.snapshot,
    },
  });
  const certificateWatch = certificates && showNewCertificates(certificates, supervisor, log);
  const countryWatch = watchCountries(settings, log, (fresh) => supervisor.setCountries(fresh));
  let version = 0;
  const watch = watchFiles(filesOf(from), () => {
    const read = tryToLoad(from, rules, log);
    if (read === undefined) return;
    declared = read;
    const forgets = asked === undefined; // What a file says of keys may have changed; elsewhere nothing has.
    void show({ supervisor, log, forgets }, { ...read.snapshot, version: ++version });
  });
  return {
    port,
    threads,
    keys: from.keys === undefined || asked !== undefined ? undefined : declared.keys.size,
    controlPlane: asked?.url,
    firstKey,
    async stop() {
      watch.stop();
      asked?.stop();
      certificateWatch?.stop();
      countryWatch?.stop();
      await supervisor.drain(settings.DRAIN_SECONDS * 1000);
    },
  };
}

function rulesOf(settings: Settings, env: SidecarWorld['env']): DeclaredRules {
  return {
    paths: pathRulesOf(settings),
    privateTargets: settings.PRIVATE_TARGETS,
    secretsKey: randomBytes(32),
    peppers: toPeppers(settings.HMAC_SECRET ?? PEPPER_OF_FILES, settings.HMAC_SECRET_PREVIOUS),
    defaultRateLimit: {
      requestsPerMinute: settings.DEFAULT_REQUESTS_PER_MINUTE,
      requestsPerHour: settings.DEFAULT_REQUESTS_PER_HOUR,
      requestsPerDay: settings.DEFAULT_REQUESTS_PER_DAY,
    },
    spell: (source) => `--${source}`,
    env,
  };
}

/** Where nothing is said of keys and some are needed, the first start makes a file with one, so that there is something to call with. */
function findSources(
  { config, upstream, isOpen, keys, controlPlane }: SidecarOptions,
  settings: Settings,
  rules: DeclaredRules,
): { readonly from: Sources; readonly firstKey: RunningSidecar['firstKey'] } {
  const from = { config, upstream, isOpen, keys };
  if (controlPlane !== undefined) return { from: { ...from, keys: [] }, firstKey: undefined };
  if (keys !== undefined) return { from, firstKey: undefined };
  const { snapshot } = loadDeclared({ ...from, keys: [] }, rules);
  if (findGuarded(snapshot.gateways) === undefined) return { from, firstKey: undefined };
  const file = FIRST_KEYS;
  if (existsSync(file)) return { from: { ...from, keys: file }, firstKey: undefined };
  const { text } = newKeyText(settings.KEY_PREFIX);
  addEntry(file, { name: 'first', hash: toKeyHash(text, rules.peppers.current) ?? '' }, rules.peppers);
  return { from: { ...from, keys: file }, firstKey: { text, file } };
}

function filesOf({ config, keys }: Sources): string[] {
  return [config, keys].filter((source) => typeof source === 'string');
}

function tryToLoad(from: Sources, rules: DeclaredRules, log: Logger): Declared | undefined {
  try {
    const declared = loadDeclared(from, rules);
    tellWarnings(declared, log);
    return declared;
  } catch (cause) {
    if (!(cause instanceof DeclarationError)) throw cause;
    log.error({ faults: cause.faults }, 'a file has changed and cannot be used: what was served before goes on');
    return undefined;
  }
}

interface Showing {
  readonly supervisor: Supervisor;
  readonly log: Logger;
  readonly forgets: boolean;
}

/** Keys first: what is taken back must not work with what is new. */
async function show({ supervisor, log, forgets }: Showing, snapshot: Declared['snapshot']): Promise<void> {
  try {
    if (forgets) await supervisor.forget('all');
    await supervisor.publish(snapshot);
    log.info({}, 'a file has changed: what it says now is served');
  } catch (cause) {
    log.error({ reason: String(cause) }, 'a file has changed and could not be taken in');
  }
}

function tellWarnings({ warnings }: Declared, log: Logger): void {
  for (const warning of warnings) log.warn({}, warning);
}

/** What a person has declared wrongly is theirs to mend, like a setting. */
function mending<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof DeclarationError)) throw cause;
    throw new SettingsError(cause.faults);
  }
}
