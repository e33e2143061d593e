// Where a sidecar's keys come from: a file of what proves them, or a Tollgate elsewhere that is asked.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import { isExposed } from './cli/credentials.ts';
import type { SidecarOptions } from './cli/sidecar.ts';
import { SettingsError, type LoadedSettings } from './config.ts';
import { TENANT_ID } from './declared/gateways.ts';
import { watchFiles } from './file-watch.ts';
import type { CacheLimits } from './gateway/credential-cache.ts';
import type { SupervisorOptions } from './gateway/supervision.ts';
import { systemClock } from './lib/clock.ts';
import { keyCacheOf } from './data-plane-settings.ts';
import { ask, type Failure } from './remote-keys/ask.ts';
import { createRemoteKeys } from './remote-keys/source.ts';

/** Unless told: nobody tells a sidecar of a change, so it asks more often than a node. */
const REMOTE_KEY_CACHE_SECONDS = 30;
const MAX_KEY_CHARACTERS = 512;

export interface AskedKeys {
  readonly url: string;
  readonly findCredential: SupervisorOptions['findCredential'];
  readonly keyCache: CacheLimits;
  /** The pepper of this process. */
  readonly secret: string;
  stop(): void;
}

export interface AskedKeysWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
}

/** Undefined where keys stand in a file. Throws a SettingsError where whoever is asked will never answer. */
export async function openAskedKeys(
  { controlPlane: url, controlPlaneKey: file }: SidecarOptions,
  { settings, sources }: LoadedSettings,
  { env, log }: AskedKeysWorld,
): Promise<AskedKeys | undefined> {
  if (url === undefined) return undefined;
  let apiKey = file === undefined ? keyOfEnvironment(env) : readKey(file);
  if (isExposed(url)) log.warn({ url }, 'the keys of callers can be read on the way to the control plane: use https');
  const ageDefault = sources.KEY_CACHE_SECONDS === 'default' ? { ageMs: REMOTE_KEY_CACHE_SECONDS * 1000 } : {};
  const keyCache = { ...keyCacheOf(settings), ...ageDefault };
  const secret = randomBytes(32).toString('hex');
  const keys = createRemoteKeys({
    ask: (text, timeoutMs) => ask({ url, apiKey: () => apiKey }, text, timeoutMs),
    ownKey: () => apiKey,
    secret,
    tenantId: TENANT_ID,
    knownMs: keyCache.ageMs + keyCache.awayMs,
    nowMs: () => systemClock.monotonicMs(),
    random: Math.random,
    log,
  });
  const failure = await keys.check();
  const fault = failure && findFault(failure, url, file ?? 'TOLLGATE_API_KEY');
  if (fault !== undefined) throw new SettingsError([fault]);
  const watch = file === undefined ? undefined : watchFiles([file], () => (apiKey = tryToRead(file, log) ?? apiKey));
  return {
    url,
    findCredential: async (_digest, text) => (text === undefined ? undefined : keys.find(text)),
    keyCache,
    secret,
    stop: () => watch?.stop(),
  };
}

/** What a person has to mend before it can work; undefined for what may pass. */
function findFault({ kind, reason }: Failure, url: string, place: string): string | undefined {
  const said = `--control-plane: ${url}: ${reason}`;
  switch (kind) {
    case 'denied':
      return `${said}; ${place} must hold a key of that Tollgate with the scope admin:keys:verify, such as \`tollgate keys create --name sidecar --scopes admin:keys:verify\` makes there`;
    case 'stranger':
      return `${said}; give the address at which a Tollgate of this version listens, without /api behind it`;
    case 'untrusted':
      return `${said}; for a certificate of an authority of your own, name the file of that authority in NODE_EXTRA_CA_CERTS`;
    case 'away':
    case 'busy':
      return undefined;
  }
}

function keyOfEnvironment({ TOLLGATE_API_KEY: key = '' }: AskedKeysWorld['env']): string {
  if (key === '') {
    throw new SettingsError([
      '--control-plane needs a key to ask with: set TOLLGATE_API_KEY, or name a file that holds it with --control-plane-key',
    ]);
  }
  return checkKey(key, 'TOLLGATE_API_KEY');
}

function readKey(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown reason';
    throw new SettingsError([`--control-plane-key: ${file} cannot be read (${code})`]);
  }
  return checkKey(text.trim(), `--control-plane-key: ${file}`);
}

/** It becomes a header: visible ASCII, and nothing else. */
function checkKey(key: string, place: string): string {
  if (/^[\x21-\x7e]+$/.test(key) && key.length <= MAX_KEY_CHARACTERS) return key;
  throw new SettingsError([`${place} must hold a key and nothing else, in one line`]);
}

function tryToRead(file: string, log: Logger): string | undefined {
  try {
    const key = readKey(file);
    log.info({ file }, 'the key for the control plane has changed: the new one is used');
    return key;
  } catch (cause) {
    log.error(
      { file, reason: String(cause) },
      'the key for the control plane has changed and cannot be used: the old one is',
    );
    return undefined;
  }
}
