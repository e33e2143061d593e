// Which certificate a caller is shown: compiled once, looked up by the name that the caller asks for (RFC 6066 §3, RFC 9525 §6.3).

import { constants } from 'node:crypto';
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

export interface CertificateTable {
  /** The options of a server, for callers without a name; without a default pair they are refused. */
  readonly fallback: SecureContextOptions;
  /** The context for a name, the default one, or undefined. */
  find(host: string): SecureContext | undefined;
}

export function compileCertificates(certificates: readonly TlsCertificate[]): CertificateTable {
  const byHost = new Map<string, SecureContext>();
  let fallback: SecureContextOptions = TLS_OPTIONS;
  let fallbackContext: SecureContext | undefined;
  // Of two for the same name the one that lasts longer, so that a renewed one may lie beside the old one.
  for (const { name, hosts, certificate, key } of certificates.toSorted((a, b) => a.expiresAtMs - b.expiresAtMs)) {
    const options = { ...TLS_OPTIONS, cert: certificate, key };
    const context = createSecureContext(options);
    for (const host of hosts) byHost.set(host, context);
    if (name === DEFAULT_NAME) {
      fallback = options;
      fallbackContext = context;
    }
  }
  return {
    fallback,
    find(host) {
      const wanted = host.toLowerCase();
      // A wildcard stands for one label, the first.
      return byHost.get(wanted) ?? byHost.get(`*${wanted.slice(wanted.indexOf('.'))}`) ?? fallbackContext;
    },
  };
}
