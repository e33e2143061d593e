// Why no answer came, in our words: what the caller is told, and the Proxy-Status error of RFC 9209 §2.3.

import type { ProblemCode } from '../../lib/problem.ts';

export interface Failure {
  readonly code: Extract<ProblemCode, 'upstream_unreachable' | 'upstream_invalid' | 'upstream_timeout'>;
  /** An error type of RFC 9209. */
  readonly proxyError: string;
  readonly cause: unknown;
}

const BY_CODE: Readonly<Record<string, Omit<Failure, 'cause'>>> = {
  ECONNREFUSED: { code: 'upstream_unreachable', proxyError: 'connection_refused' },
  ENOTFOUND: { code: 'upstream_unreachable', proxyError: 'dns_error' },
  EAI_AGAIN: { code: 'upstream_unreachable', proxyError: 'dns_error' },
  EHOSTUNREACH: { code: 'upstream_unreachable', proxyError: 'destination_ip_unroutable' },
  ENETUNREACH: { code: 'upstream_unreachable', proxyError: 'destination_ip_unroutable' },
  UND_ERR_CONNECT_TIMEOUT: { code: 'upstream_timeout', proxyError: 'connection_timeout' },
  UND_ERR_HEADERS_TIMEOUT: { code: 'upstream_timeout', proxyError: 'http_response_timeout' },
  UND_ERR_BODY_TIMEOUT: { code: 'upstream_timeout', proxyError: 'http_response_timeout' },
};

// The parser's own errors are known by their name: undici gives them no code.
const INVALID: ReadonlySet<string> = new Set(['UND_ERR_HEADERS_OVERFLOW', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH']);

export function toFailure(cause: unknown): Failure {
  const code = codeOf(cause);
  const known = BY_CODE[code];
  if (known !== undefined) return { ...known, cause };
  if (INVALID.has(code) || (cause instanceof Error && cause.name === 'HTTPParserError')) {
    return { code: 'upstream_invalid', proxyError: 'http_protocol_error', cause };
  }
  if (code.startsWith('ERR_TLS') || code.startsWith('CERT_') || code === 'DEPTH_ZERO_SELF_SIGNED_CERT') {
    return { code: 'upstream_unreachable', proxyError: 'tls_certificate_error', cause };
  }
  return { code: 'upstream_unreachable', proxyError: 'connection_terminated', cause };
}

/** undici wraps what the socket said; several addresses tried give an AggregateError with a code of its own. */
function codeOf(cause: unknown): string {
  if (!(cause instanceof Error)) return '';
  if ('code' in cause && typeof cause.code === 'string') return cause.code;
  return codeOf(cause.cause);
}
