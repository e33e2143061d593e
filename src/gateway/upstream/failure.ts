// Why no answer came, in our words: what the caller is told, and the Proxy-Status error of RFC 9209 §2.3.

import type { ProblemCode } from '../../lib/problem.ts';
import type { WireFault } from '../wire/fault.ts';

export interface Failure {
  readonly code: Extract<ProblemCode, 'upstream_unreachable' | 'upstream_invalid' | 'upstream_timeout'>;
  /** An error type of RFC 9209. */
  readonly proxyError: string;
  readonly cause: unknown;
  /** The request, or a part of it, may have reached the upstream. */
  readonly isSent: boolean;
  /** The fault is on our side: it says nothing of the upstream. */
  readonly isOurs: boolean;
}

/** A call that we ourselves gave up. */
export class UpstreamFault extends Error {
  readonly code: Failure['code'];
  readonly proxyError: string;

  constructor(code: Failure['code'], proxyError: string, reason: string) {
    super(reason);
    this.name = 'UpstreamFault';
    this.code = code;
    this.proxyError = proxyError;
  }
}

/** An answer that is not HTTP as we read it. */
export function toProtocolFault({ reason }: WireFault): UpstreamFault {
  return new UpstreamFault('upstream_invalid', 'http_protocol_error', reason);
}

type Reason = Pick<Failure, 'code' | 'proxyError'>;

const OURS: Reason = { code: 'upstream_unreachable', proxyError: 'proxy_internal_error' };

const BY_CODE: Readonly<Record<string, Reason>> = {
  EADDRNOTAVAIL: OURS,
  EMFILE: OURS,
  ENFILE: OURS,
  ENOBUFS: OURS,
  ECONNREFUSED: { code: 'upstream_unreachable', proxyError: 'connection_refused' },
  ENOTFOUND: { code: 'upstream_unreachable', proxyError: 'dns_error' },
  EAI_AGAIN: { code: 'upstream_unreachable', proxyError: 'dns_error' },
  EHOSTUNREACH: { code: 'upstream_unreachable', proxyError: 'destination_ip_unroutable' },
  ENETUNREACH: { code: 'upstream_unreachable', proxyError: 'destination_ip_unroutable' },
  ETIMEDOUT: { code: 'upstream_timeout', proxyError: 'connection_timeout' },
};

export function toFailure(cause: unknown, isSent: boolean): Failure {
  const reason = toReason(cause);
  return { ...reason, cause, isSent, isOurs: reason === OURS };
}

function toReason(cause: unknown): Reason {
  if (cause instanceof UpstreamFault) return { code: cause.code, proxyError: cause.proxyError };
  const code = codeOf(cause);
  const known = BY_CODE[code];
  if (known !== undefined) return known;
  const isCertificate =
    code.startsWith('ERR_TLS') || code.startsWith('CERT_') || code === 'DEPTH_ZERO_SELF_SIGNED_CERT';
  return {
    code: 'upstream_unreachable',
    proxyError: isCertificate ? 'tls_certificate_error' : 'connection_terminated',
  };
}

/** Several addresses tried in vain give an AggregateError with a code of its own. */
function codeOf(cause: unknown): string {
  if (!(cause instanceof Error)) return '';
  if ('code' in cause && typeof cause.code === 'string') return cause.code;
  return codeOf(cause.cause);
}
