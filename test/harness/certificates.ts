// Self-signed certificates for the tests, made on the spot: no program, no files, no network.

import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { TlsCertificate } from '../../src/gateway/ports.ts';

const DAY_MS = 86_400_000;

export interface CertificateWishes {
  /** The file's name; the first host when absent. */
  readonly name?: string;
  readonly expiresAtMs?: number;
}

/** A pair for these DNS names, on the curve P-256. */
export function createCertificate(hosts: readonly string[], wishes: CertificateWishes = {}): TlsCertificate {
  // Certificates tell whole seconds.
  const expiresAtMs = Math.floor((wishes.expiresAtMs ?? Date.now() + 30 * DAY_MS) / 1000) * 1000;
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const subject = sequence(set(sequence(COMMON_NAME, text(hosts[0] ?? 'nameless'))));
  const toBeSigned = sequence(
    der(0xa0, der(0x02, Buffer.of(2))), // Version 3.
    der(0x02, Buffer.concat([Buffer.of(1), randomBytes(15)])),
    ECDSA_WITH_SHA256,
    subject,
    sequence(time(expiresAtMs - 60 * DAY_MS), time(expiresAtMs)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(hosts.length > 0 ? [der(0xa3, sequence(sequence(SUBJECT_ALT_NAME, der(0x04, altNames(hosts)))))] : []),
  );
  const signature = Buffer.concat([Buffer.of(0), sign('sha256', toBeSigned, privateKey)]);
  const certificate = sequence(toBeSigned, ECDSA_WITH_SHA256, der(0x03, signature));
  return {
    name: wishes.name ?? hosts[0] ?? 'default',
    hosts,
    certificate: `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    expiresAtMs,
  };
}

const COMMON_NAME = Buffer.from('0603550403', 'hex');
const SUBJECT_ALT_NAME = Buffer.from('0603551d11', 'hex');
const ECDSA_WITH_SHA256 = Buffer.from('300a06082a8648ce3d040302', 'hex');

/** One element of ASN.1 in DER: what it is, how long it is, what it holds. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const prefix = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...prefix), content]);
}

const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts);
const set = (...parts: readonly Uint8Array[]): Buffer => der(0x31, ...parts);
const text = (value: string): Buffer => der(0x0c, Buffer.from(value));
const altNames = (hosts: readonly string[]): Buffer =>
  sequence(...hosts.map((host) => der(0x82, Buffer.from(host, 'latin1'))));

/** GeneralizedTime, in UTC. */
const time = (ms: number): Buffer =>
  der(0x18, Buffer.from(`${new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+Z/g, '')}Z`));
