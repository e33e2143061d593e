// Which certificate a caller is shown: compiled once, looked up by the name that the caller asks for (RFC 6066 §3, RFC 9525 §6.3).

import { constants } from 'node:crypto';
import { isIP } from 'node:net';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import type { TlsCertificate } from '../ports.ts';

/** The pair that is shown when no name is asked for, or one that no certificate has. */
export const DEFAULT_NAME = 'default';

/** TLS 1.2 and 1.3; forward secrecy and authenticated encryption only. Renegotiation has no use here and costs (RFC 9113 §9.2.1). */
export const TLS_OPTIONS = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  ciphers: [
    'TLS_AES_128_GCM_SHA256',
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
  ].join(':'),
  honorCipherOrder: true,
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
} as const satisfies SecureContextOptions;

/** The names of the certificate that one connection was made with. */
export interface ShownNames {
  /** Whether a request for this host (without port) belongs on the connection (RFC 9110 §7.4). */
  covers(host: string): boolean;
}

export interface CertificateTable {
  /** The options of a server, for callers without a name; without a default pair they are refused. */
  readonly fallback: SecureContextOptions;
  /** The context for a name, the default one, or undefined. */
  find(host: string): SecureContext | undefined;
  /** What a caller was shown who asked for this name, or for none. */
  shownTo(servername: string | undefined): ShownNames;
}

export function compileCertificates(certificates: readonly TlsCertificate[]): CertificateTable {
  const byHost = new Map<string, Entry>();
  let fallback: SecureContextOptions = TLS_OPTIONS;
  let fallbackEntry: Entry | undefined;
  // Of two for the same name the one that lasts longer, so that a renewed one may lie beside the old one.
  for (const { name, hosts, certificate, key } of certificates.toSorted((a, b) => a.expiresAtMs - b.expiresAtMs)) {
    const options = { ...TLS_OPTIONS, cert: certificate, key };
    const entry: Entry = { context: createSecureContext(options), hosts: new Set(hosts) };
    for (const host of hosts) byHost.set(host, entry);
    if (name === DEFAULT_NAME) {
      fallback = options;
      fallbackEntry = entry;
    }
  }
  const entryOf = (host: string): Entry | undefined =>
    byHost.get(host) ?? byHost.get(toWildcard(host)) ?? fallbackEntry;
  return {
    fallback,
    find: (host) => entryOf(host.toLowerCase())?.context,
    shownTo(servername) {
      const asked = servername?.toLowerCase();
      const hosts = (asked === undefined ? fallbackEntry : entryOf(asked))?.hosts ?? NO_HOSTS;
      return { covers: (host) => covers({ hosts, asked }, host.toLowerCase()) };
    },
  };
}

interface Entry {
  readonly context: SecureContext;
  readonly hosts: ReadonlySet<string>;
}

const NO_HOSTS: ReadonlySet<string> = new Set();

/** A wildcard stands for one label, the first. */
const toWildcard = (host: string): string => `*${host.slice(host.indexOf('.'))}`;

/** `asked`: the name that the caller asked for; whoever asks for an address has none to give (RFC 6066 §3). */
function covers({ hosts, asked }: { hosts: Entry['hosts']; asked: string | undefined }, host: string): boolean {
  if (host === asked || hosts.has(host) || hosts.has(toWildcard(host))) return true;
  // A certificate without names is for whoever takes it, and only the default one may be so.
  if (asked === undefined) return hosts.size === 0 || isIP(host.replaceAll(/^\[|\]$/g, '')) !== 0;
  return false;
}
