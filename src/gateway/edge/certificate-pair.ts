// One certificate with its key, wherever the two came from: whether they fit together, and for which names they are.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { TlsCertificate } from '../ports.ts';
import { DEFAULT_NAME, TLS_OPTIONS } from './certificates.ts';

/** PEM, both. */
export interface PemPair {
  readonly name: string;
  readonly certificate: string;
  readonly key: string;
}

/** For what is told of it. */
export interface PairWords {
  /** What the certificate is called. */
  readonly certificate: string;
  /** Which pair may hold a certificate without names. */
  readonly nameless: string;
}

/** What of a pair cannot be used, and why. */
export interface PairFault {
  readonly part: 'certificate' | 'key';
  readonly reason: string;
}

export function readCertificatePair({ name, certificate, key }: PemPair, words: PairWords): TlsCertificate | PairFault {
  let x509: X509Certificate;
  try {
    x509 = new X509Certificate(certificate);
  } catch {
    return { part: 'certificate', reason: 'is not a certificate in PEM' };
  }
  try {
    if (!x509.checkPrivateKey(createPrivateKey(key)))
      return { part: 'key', reason: `is not the key of ${words.certificate}` };
  } catch {
    return { part: 'key', reason: 'is not a private key in PEM without a passphrase' };
  }
  try {
    createSecureContext({ ...TLS_OPTIONS, cert: certificate, key });
  } catch (cause) {
    return { part: 'certificate', reason: `cannot be used (${reasonOf(cause)})` };
  }
  const hosts = hostsOf(x509);
  if (hosts.length === 0 && name !== DEFAULT_NAME)
    return {
      part: 'certificate',
      reason: `has no DNS name in its subjectAltName; only ${words.nameless} may do without`,
    };
  return { name, hosts, certificate, key, expiresAtMs: x509.validToDate.getTime() };
}

/** Node writes them as `DNS:a.test, DNS:*.b.test, IP Address:…`; names with odd characters are quoted, and no host names. */
function hostsOf(x509: X509Certificate): string[] {
  const found = x509.subjectAltName?.matchAll(/(?:^|, )DNS:([^,"\s]+)/g) ?? [];
  return [...found].map((match) => (match[1] ?? '').toLowerCase());
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
