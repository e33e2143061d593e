// Where a gateway in another program is to listen, and with which certificates: checked as strictly as its options.

import { DeclarationError } from '../declared/fault-error.ts';
import { readCertificatePair } from '../gateway/edge/certificate-pair.ts';
import { DEFAULT_NAME } from '../gateway/edge/certificates.ts';
import type { TlsCertificate } from '../gateway/ports.ts';
import { nearest } from '../lib/nearest.ts';

const MAX_PAIRS = 1000;

/** A certificate, with those that lead to its root behind it, and its private key: PEM, as texts or as files are read. */
export interface TlsPair {
  readonly cert: string | Uint8Array;
  readonly key: string | Uint8Array;
}

/** One pair for all callers; or several, chosen by the name that a caller asks for, the first of them for all other names. */
export type TlsOption = TlsPair | readonly TlsPair[];

export interface ListenOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** `0.0.0.0` unless told. */
  readonly host?: string;
  /** HTTPS in place of HTTP, with HTTP/2 and HTTP/1.1. */
  readonly tls?: TlsOption;
}

export interface CheckedListen {
  readonly port: number;
  readonly host: string;
  readonly certificates: readonly TlsCertificate[] | undefined;
}

const NAMES: readonly (keyof ListenOptions)[] = ['port', 'host', 'tls'];
const PAIR_NAMES: readonly (keyof TlsPair)[] = ['cert', 'key'];

/** Throws a DeclarationError that tells every fault. */
export function checkListen(options: ListenOptions): CheckedListen {
  if (!isObject(options)) throw new DeclarationError(['listen: needs an object with the port, such as { port: 8080 }']);
  const { port, host = '0.0.0.0', tls } = options;
  const faults = unknownNames(options, NAMES, 'listen.');
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    faults.push('listen.port: must be a whole number from 0 to 65535');
  if (typeof host !== 'string' || host === '') faults.push('listen.host: must be an address such as 127.0.0.1');
  const read = tls === undefined ? undefined : readPairs(tls, 'listen.tls');
  if (read !== undefined) faults.push(...read.faults);
  if (faults.length > 0) throw new DeclarationError(faults);
  return { port, host, certificates: read?.certificates };
}

/** The same of certificates that take the place of others. */
export function checkTls(tls: TlsOption): readonly TlsCertificate[] {
  const { certificates, faults } = readPairs(tls, 'tls');
  if (faults.length > 0) throw new DeclarationError(faults);
  return certificates;
}

interface ReadPairs {
  readonly certificates: TlsCertificate[];
  readonly faults: string[];
}

function readPairs(tls: unknown, path: string): ReadPairs {
  const read: ReadPairs = { certificates: [], faults: [] };
  if (!Array.isArray(tls)) {
    readPair(tls, { name: DEFAULT_NAME, path }, read);
    return read;
  }
  const pairs: readonly unknown[] = tls;
  if (pairs.length === 0 || pairs.length > MAX_PAIRS)
    read.faults.push(`${path}: must hold 1 to ${MAX_PAIRS} pairs of cert and key`);
  else
    pairs.forEach((pair, i) =>
      readPair(pair, { name: i === 0 ? DEFAULT_NAME : String(i), path: `${path}[${i}]` }, read),
    );
  return read;
}

function readPair(
  pair: unknown,
  { name, path }: { name: string; path: string },
  { certificates, faults }: ReadPairs,
): void {
  if (!isObject(pair)) {
    faults.push(`${path}: must be { cert, key }, both PEM`);
    return;
  }
  faults.push(...unknownNames(pair, PAIR_NAMES, `${path}.`));
  const certificate = toText('cert' in pair ? pair.cert : undefined);
  const key = toText('key' in pair ? pair.key : undefined);
  if (certificate === undefined) faults.push(`${path}.cert: must be a certificate in PEM`);
  if (key === undefined) faults.push(`${path}.key: must be a private key in PEM`);
  if (certificate === undefined || key === undefined) return;
  const words = { certificate: `${path}.cert`, nameless: 'the first' };
  const made = readCertificatePair({ name, certificate, key }, words);
  if ('reason' in made) faults.push(`${path}.${made.part === 'key' ? 'key' : 'cert'}: ${made.reason}`);
  else certificates.push(made);
}

function toText(value: unknown): string | undefined {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  return typeof value === 'string' ? value : undefined;
}

function unknownNames(given: object, known: readonly string[], path: string): string[] {
  const unknown = Object.keys(given).filter((name) => !known.includes(name));
  return unknown.map((name) => {
    const guess = nearest(name, known);
    return `${path}${name}: is not known; ${guess === undefined ? `there are ${known.join(', ')}` : `did you mean ${guess}?`}`;
  });
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
