// The folder with the TLS certificates: pairs `<name>.crt` and `<name>.key` in PEM, read and checked at the start and whenever they change.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SettingsError } from './config.ts';
import { readCertificatePair } from './gateway/edge/certificate-pair.ts';
import { DEFAULT_NAME } from './gateway/edge/certificates.ts';
import type { TlsCertificate } from './gateway/ports.ts';

const MAX_PAIRS = 1000;
const MAX_FILE_BYTES = 262_144;
const POLL_MS = 2000;

export interface CertificateLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface CertificateFolderOptions {
  readonly folder: string;
  readonly nowMs: () => number;
  readonly log: CertificateLog;
}

/** One file of the folder that cannot be used, and why. */
interface CertificateFault {
  readonly file: string;
  readonly reason: string;
}

type Pair = TlsCertificate | CertificateFault;

export class CertificateFolder {
  readonly #options: CertificateFolderOptions;
  #signature = '';
  #certificates = new Map<string, TlsCertificate>();

  /** Reads all pairs; throws a SettingsError that names every file that cannot be used. */
  constructor(options: CertificateFolderOptions) {
    this.#options = options;
    const { folder } = options;
    let names: readonly string[];
    try {
      names = listNames(folder);
      this.#signature = signatureOf(folder, names);
    } catch (cause) {
      throw new SettingsError([`TLS_CERTIFICATES: the folder ${folder} cannot be read (${reasonOf(cause)})`]);
    }
    if (names.length === 0)
      throw new SettingsError([`TLS_CERTIFICATES: ${folder} holds no pair of files <name>.crt and <name>.key`]);
    const faults: string[] = [];
    for (const name of names) {
      const pair = readPair(folder, name);
      if ('reason' in pair) faults.push(`TLS_CERTIFICATES: ${pair.file}: ${pair.reason}`);
      else this.#take(pair);
    }
    if (faults.length > 0) throw new SettingsError(faults);
  }

  get certificates(): readonly TlsCertificate[] {
    return [...this.#certificates.values()];
  }

  /** Reads what has changed. Whether there is something new; a pair that cannot be used leaves the one before it in place. */
  reload(): boolean {
    const { folder, log } = this.#options;
    let names: readonly string[];
    try {
      names = listNames(folder);
      const signature = signatureOf(folder, names);
      if (signature === this.#signature) return false;
      this.#signature = signature;
      if (names.length === 0) throw new Error('it holds no certificates any more');
    } catch (cause) {
      if (this.#signature !== 'lost')
        log.error({ folder, reason: reasonOf(cause) }, 'TLS certificates cannot be read: the known ones are kept');
      this.#signature = 'lost';
      return false;
    }
    const before = this.#certificates;
    this.#certificates = new Map();
    for (const name of names) {
      const pair = readPair(folder, name);
      const old = before.get(name);
      if ('reason' in pair) {
        const known = old === undefined ? 'it is left out' : 'the one before it is kept';
        log.error({ ...pair }, `a TLS certificate cannot be used; ${known}`);
        if (old !== undefined) this.#certificates.set(name, old);
      } else if (pair.certificate === old?.certificate && pair.key === old.key) this.#certificates.set(name, old);
      else {
        this.#take(pair);
        log.info({ name, hosts: pair.hosts }, 'a TLS certificate was read');
      }
    }
    for (const name of before.keys())
      if (!this.#certificates.has(name)) log.warn({ name }, 'a TLS certificate was removed');
    return (
      [...this.#certificates].length !== before.size || this.certificates.some((pair) => before.get(pair.name) !== pair)
    );
  }

  #take(pair: TlsCertificate): void {
    const { log, nowMs } = this.#options;
    this.#certificates.set(pair.name, pair);
    if (pair.expiresAtMs <= nowMs())
      log.warn(
        { name: pair.name, expiredAt: new Date(pair.expiresAtMs).toISOString() },
        'a TLS certificate has expired; callers will refuse it',
      );
  }
}

export interface CertificateWatch {
  stop(): void;
}

/** Polls: notices of the file system do not come through every mount, and not for the links of which Kubernetes makes such folders. */
export function watchCertificates(folder: CertificateFolder, onChange: () => void): CertificateWatch {
  const timer = setInterval(() => {
    if (folder.reload()) onChange();
  }, POLL_MS).unref();
  return { stop: () => clearInterval(timer) };
}

/** Of pairs and of halves. */
function listNames(folder: string): string[] {
  const names = new Set<string>();
  for (const file of readdirSync(folder)) {
    const name = /^([^.].*)\.(?:crt|key)$/.exec(file)?.[1];
    if (name !== undefined) names.add(name);
  }
  if (names.size > MAX_PAIRS) throw new Error(`it holds more than ${MAX_PAIRS} pairs`);
  return [...names].toSorted((a, b) => (a < b ? -1 : 1));
}

/** Changes whenever a file does. */
function signatureOf(folder: string, names: readonly string[]): string {
  const files = names.flatMap((name) => [`${name}.crt`, `${name}.key`]);
  return files
    .map((file) => {
      const stat = statSync(join(folder, file), { throwIfNoEntry: false, bigint: true });
      return stat === undefined ? file : `${file} ${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`;
    })
    .join('\n');
}

function readPair(folder: string, name: string): Pair {
  const certificateFile = join(folder, `${name}.crt`);
  const keyFile = join(folder, `${name}.key`);
  const certificate = readPem(certificateFile);
  if (typeof certificate !== 'string') return certificate;
  const key = readPem(keyFile);
  if (typeof key !== 'string') return key;

  const words = { certificate: `${name}.crt`, nameless: `${DEFAULT_NAME}.crt` };
  const pair = readCertificatePair({ name, certificate, key }, words);
  if (!('reason' in pair)) return pair;
  return { file: pair.part === 'key' ? keyFile : certificateFile, reason: pair.reason };
}

function readPem(file: string): string | CertificateFault {
  try {
    const { size } = statSync(file);
    if (size > MAX_FILE_BYTES) return { file, reason: `is larger than ${MAX_FILE_BYTES} bytes` };
    return readFileSync(file, 'utf8');
  } catch (cause) {
    return { file, reason: `cannot be read (${reasonOf(cause)})` };
  }
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return 'code' in cause && typeof cause.code === 'string' && !cause.code.startsWith('ERR_')
    ? cause.code
    : cause.message;
}
