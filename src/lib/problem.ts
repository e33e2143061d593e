// Errors as callers see them: RFC 9457 problem details, from one catalogue of stable codes.
/* oxlint-disable max-lines -- a catalogue is as long as what it lists */

/** One thing wrong with an input: where (a JSON path such as `body.rateLimit.requestsPerMinute`), and what. */
export interface Fault {
  readonly path: string;
  readonly message: string;
}

interface ProblemKind {
  readonly status: number;
  readonly title: string;
  /** What the caller can do about it; printed in docs/reference/errors.md. */
  readonly remedy: string;
}

/** Every code that Tollgate itself answers with. An upstream's own errors pass untouched and are not listed. */
export const PROBLEMS = {
  invalid_request: {
    status: 400,
    title: 'Invalid request',
    remedy: 'Mend every fault listed in `errors`; each names the path to the offending value.',
  },
  malformed_body: {
    status: 400,
    title: 'Malformed body',
    remedy: 'Send well-formed JSON with `Content-Type: application/json`.',
  },
  malformed_request: {
    status: 400,
    title: 'Malformed request',
    remedy: 'Send valid HTTP/1.1 or HTTP/2; the connection, or the HTTP/2 stream, was closed.',
  },
  ambiguous_path: {
    status: 400,
    title: 'Ambiguous path',
    remedy:
      'Send the path alone, without dot segments (`/../`, `%2e%2e`) or a `#`, and with well-formed percent-encoding.',
  },
  unknown_api_version: {
    status: 400,
    title: 'Unknown API version',
    remedy: 'Ask for one of the versions in `detail`, where it says.',
  },
  missing_credentials: {
    status: 401,
    title: 'Credentials required',
    remedy: 'Send a key as `X-API-Key: <key>` or `Authorization: Bearer <key>`.',
  },
  invalid_key: {
    status: 401,
    title: 'Invalid key',
    remedy: 'Check the key for typing errors, or ask whoever issued it for a new one.',
  },
  key_revoked: {
    status: 401,
    title: 'Key revoked',
    remedy: 'Ask whoever issued the key for a new one; a revoked key never works again.',
  },
  key_expired: {
    status: 401,
    title: 'Key expired',
    remedy: 'Ask whoever issued the key for a new one.',
  },
  key_superseded: {
    status: 401,
    title: 'Key superseded',
    remedy: 'The key was rotated and its time of transition is over; use the key that took its place.',
  },
  setup_token_required: {
    status: 403,
    title: 'Setup token required',
    remedy: 'Send the token that the start of Tollgate printed as `X-Setup-Token`, or call from the same machine.',
  },
  insufficient_scope: {
    status: 403,
    title: 'Insufficient scope',
    remedy: 'Use a key that holds the scopes named in `detail`.',
  },
  client_pending: {
    status: 403,
    title: 'Client not approved yet',
    remedy: 'The key works once the client that it belongs to has been approved; ask whoever runs this API.',
  },
  client_rejected: {
    status: 403,
    title: 'Client rejected',
    remedy: 'The client that the key belongs to was not approved; ask whoever runs this API.',
  },
  client_suspended: {
    status: 403,
    title: 'Client suspended',
    remedy: 'None of the client’s keys works until the client is reactivated; ask whoever runs this API.',
  },
  client_expired: {
    status: 403,
    title: 'Client expired',
    remedy: 'None of the client’s keys works until its `expiresAt` is moved; ask whoever runs this API.',
  },
  address_not_allowed: {
    status: 403,
    title: 'Address not allowed',
    remedy:
      'Call from an address that the key (`allowedIps`) and its client (`ipWhitelist`) allow, or have yours added.',
  },
  network_not_allowed: {
    status: 403,
    title: 'Network not allowed',
    remedy:
      'Call from one of the networks of the setting `METRICS_NETWORKS`, or have yours added to it; whom trusted proxies forward for is known by `TRUSTED_PROXIES`.',
  },
  country_not_allowed: {
    status: 403,
    title: 'Country not allowed',
    remedy: 'Call from a country of the client’s `allowedCountries`; where the country is not known, nobody is let in.',
  },
  endpoint_not_allowed: {
    status: 403,
    title: 'Endpoint not allowed',
    remedy: 'Call one of the client’s `allowedEndpoints`, or have this one added to them.',
  },
  beyond_reach: {
    status: 403,
    title: 'Beyond reach',
    remedy:
      'Nobody changes an operator, a role or an operator’s key that may do more than they may; ask somebody who holds what `detail` names.',
  },
  wrong_password: {
    status: 403,
    title: 'Wrong password',
    remedy: 'Send the password in force; after five wrong ones in a row it is locked for a while.',
  },
  platform_only: {
    status: 403,
    title: 'Only for the platform',
    remedy:
      'Tenants, their limits, and tiers are made, changed and deleted by operators of the default tenant only, acting at home.',
  },
  operator_suspended: {
    status: 403,
    title: 'Operator suspended',
    remedy: 'No key of the operator works until they are reactivated; ask an administrator.',
  },
  tenant_suspended: {
    status: 403,
    title: 'Tenant suspended',
    remedy: 'No key of the tenant works until it is reactivated; ask whoever runs this installation.',
  },
  scope_not_grantable: {
    status: 403,
    title: 'Scope not grantable',
    remedy:
      'Nobody can give a scope that they do not hold, nor to a key one that its client does not have; leave it out, or ask somebody who holds it.',
  },
  route_not_found: {
    status: 404,
    title: 'No such route',
    remedy: 'Check the path; `GET /api/v1/gateways` lists what is published. A gateway is live only after its deploy.',
  },
  not_found: {
    status: 404,
    title: 'Not found',
    remedy: 'Check the id; it does not exist, or is not yours to see.',
  },
  method_not_allowed: {
    status: 405,
    title: 'Method not allowed',
    remedy: 'Use one of the methods in the `Allow` header.',
  },
  request_timeout: {
    status: 408,
    title: 'Request timed out',
    remedy: 'Send the head of the request within 15 seconds.',
  },
  method_forbidden: {
    status: 405,
    title: 'Method not allowed',
    remedy: 'TRACE and CONNECT are never answered by a gateway.',
  },
  already_set_up: {
    status: 409,
    title: 'Already set up',
    remedy: 'Use the key of an existing operator; the setup can be done only once.',
  },
  name_taken: {
    status: 409,
    title: 'Name taken',
    remedy: 'Choose another name, or update the existing resource.',
  },
  endpoint_exists: {
    status: 409,
    title: 'Endpoint exists',
    remedy: 'The gateway has an endpoint with this method and path; update that one.',
  },
  plan_changed: {
    status: 409,
    title: 'Plan changed',
    remedy: 'Something was changed since the plan was made; nothing was applied. Look at the new plan, and apply that.',
  },
  key_is_revoked: {
    status: 409,
    title: 'Key is revoked',
    remedy: 'A revoked key can be neither changed nor rotated; create a new one.',
  },
  key_is_expired: {
    status: 409,
    title: 'Key is expired',
    remedy: 'An expired key does not work any more and cannot be changed, rotated or revoked; create a new one.',
  },
  key_is_deprecated: {
    status: 409,
    title: 'Key is deprecated',
    remedy:
      'The key was rotated already; rotate the key named in `replacedBy`, and give this one an end, or revoke it.',
  },
  key_exists: {
    status: 409,
    title: 'Key exists',
    remedy: 'Leave out the keys listed in `errors`: they were imported before. Nothing of this import was kept.',
  },
  client_not_active: {
    status: 409,
    title: 'Client not active',
    remedy: 'Keys are made for clients that are active, or pending; see `detail` for what the client is.',
  },
  client_status_conflict: {
    status: 409,
    title: 'Not possible in this status',
    remedy: 'Look at the client’s `status`; `detail` tells from which one the call works.',
  },
  last_operator_key: {
    status: 409,
    title: 'Last operator key',
    remedy:
      'This is the last working key of a SUPER_ADMIN, and the setup can be done only once: make another one first, then revoke this one.',
  },
  last_super_admin: {
    status: 409,
    title: 'Last super admin',
    remedy:
      'Nobody else could manage everything: give another operator with a working key the role SUPER_ADMIN first, then try again.',
  },
  role_built_in: {
    status: 409,
    title: 'Built-in role',
    remedy: 'The roles that every tenant has stay as they are; make a role of your own.',
  },
  role_in_use: {
    status: 409,
    title: 'Role in use',
    remedy: 'Give the operators who have the role another one first; `GET /api/v1/operators?role=` lists them.',
  },
  tier_in_use: {
    status: 409,
    title: 'Tier in use',
    remedy:
      'Give the clients in `usedBy` another tier first; `GET /api/v1/api-clients?rateLimitTier=` lists those of a tenant.',
  },
  default_tenant: {
    status: 409,
    title: 'Default tenant',
    remedy: 'The default tenant runs the installation: it can be renamed, not suspended or deleted.',
  },
  idempotency_key_in_use: {
    status: 409,
    title: 'Call under way',
    remedy:
      'The call with this Idempotency-Key is still being carried out; wait for the seconds in `Retry-After` and repeat it.',
  },
  idempotency_answer_lost: {
    status: 409,
    title: 'Answer lost',
    remedy:
      'The call with this Idempotency-Key was carried out, but failed or was cut off before its answer was kept; look at what `detail` names instead of repeating it.',
  },
  precondition_failed: {
    status: 412,
    title: 'Precondition failed',
    remedy:
      'The resource is not what `If-Match` says any more: get it anew, look at what changed, and send its `ETag`.',
  },
  endpoint_gone: {
    status: 410,
    title: 'Endpoint gone',
    remedy: 'The endpoint is past its `Sunset`; use the successor that the `Link` header names.',
  },
  body_too_large: {
    status: 413,
    title: 'Body too large',
    remedy: 'Send a smaller body.',
  },
  target_too_long: {
    status: 414,
    title: 'Request target too long',
    remedy: 'Send a shorter path and query.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'Unsupported media type',
    remedy: 'Send `Content-Type: application/json`.',
  },
  expectation_failed: {
    status: 417,
    title: 'Expectation failed',
    remedy: 'The only expectation that can be met is `100-continue`.',
  },
  idempotency_key_reused: {
    status: 422,
    title: 'Idempotency key reused',
    remedy: 'Another request was sent under this Idempotency-Key; use a new key for each new request.',
  },
  undeployable: {
    status: 422,
    title: 'Gateway cannot be deployed',
    remedy: 'Mend every fault listed in `errors` and deploy again; what was live stays live.',
  },
  head_too_large: {
    status: 431,
    title: 'Request head too large',
    remedy: 'Send fewer or shorter headers: 16 KB in all.',
  },
  password_locked: {
    status: 429,
    title: 'Password locked',
    remedy: 'Wait for the seconds in `Retry-After`, or have an administrator set a new password; keys go on working.',
  },
  rate_limited: {
    status: 429,
    title: 'Rate limit exceeded',
    remedy: 'Wait for the seconds in `Retry-After`; the headers name the limit.',
  },
  internal_error: {
    status: 500,
    title: 'Internal error',
    remedy: 'A defect of Tollgate: report it with the `requestId`.',
  },
  body_already_read: {
    status: 500,
    title: 'Body read before the gateway',
    remedy:
      'For whoever embeds Tollgate: hand requests to the gateway before anything reads their bodies, such as `express.json()`.',
  },
  not_implemented: {
    status: 501,
    title: 'Not implemented',
    remedy: 'Use a method and a transfer coding of the documented ones.',
  },
  upstream_unreachable: {
    status: 502,
    title: 'Upstream unreachable',
    remedy:
      'The service behind the gateway refused the connection or broke it; check its target and that it is running.',
  },
  upstream_invalid: {
    status: 502,
    title: 'Upstream answered wrongly',
    remedy: 'The service behind the gateway did not answer with valid HTTP; check what listens at its target.',
  },
  not_ready: {
    status: 503,
    title: 'Not ready',
    remedy: 'Try again later; Tollgate is starting, stopping, or a dependency of it is away.',
  },
  gateway_in_maintenance: {
    status: 503,
    title: 'In maintenance',
    remedy: 'Try again after the seconds in `Retry-After`; the operators of this API are at work on it.',
  },
  credentials_unavailable: {
    status: 503,
    title: 'Credentials cannot be checked',
    remedy: 'Try again later; the key could not be looked up.',
  },
  limits_unavailable: {
    status: 503,
    title: 'Limits cannot be checked',
    remedy: 'Try again later; the store of the limits is away or full.',
  },
  gateway_busy: {
    status: 503,
    title: 'Gateway busy',
    remedy:
      'As many requests as the gateway admits at a time are under way; try again after the seconds in `Retry-After`.',
  },
  upstream_locked: {
    status: 503,
    title: 'Service not called',
    remedy:
      'What the gateway shows the service of itself cannot be opened; ask whoever runs the gateway to set the credentials of the service anew.',
  },
  upstream_busy: {
    status: 503,
    title: 'Service busy',
    remedy:
      'As many requests as the targets of the service may have at a time are under way; try again after the seconds in `Retry-After`.',
  },
  circuit_open: {
    status: 503,
    title: 'Service not called',
    remedy:
      'The service behind the gateway failed too often and is left alone for a while; try again after the seconds in `Retry-After`.',
  },
  upstream_timeout: {
    status: 504,
    title: 'Upstream timed out',
    remedy:
      'The service behind the gateway did not answer within its timeout; raise `timeoutSeconds` or make it faster.',
  },
  misdirected_request: {
    status: 421,
    title: 'Misdirected request',
    remedy:
      'Open a new connection, with TLS server name indication, for the host that is asked for: this one was made for another.',
  },
  loop_detected: {
    status: 508,
    title: 'Loop detected',
    remedy: 'The request came back to the gateway that sent it on; give its service a target that does not lead here.',
  },
  version_not_supported: {
    status: 505,
    title: 'HTTP version not supported',
    remedy: 'Speak HTTP/1.1.',
  },
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof PROBLEMS;

export function isProblemCode(text: string): text is ProblemCode {
  return Object.hasOwn(PROBLEMS, text);
}

export interface ProblemDetails {
  /** For the caller: what happened here, and what to do. Never internals. */
  readonly detail?: string | undefined;
  readonly errors?: readonly Fault[];
  /** Further members of the answer (RFC 9457 §3.2). */
  readonly members?: Readonly<Record<string, unknown>>;
  /** Extra answer headers, flat: name, value, … */
  readonly headers?: readonly string[];
  /** Private: logged, never shown. */
  readonly cause?: unknown;
}

/** An expected refusal on its way to the caller. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly detail: string | undefined;
  readonly errors: readonly Fault[];
  readonly members: Readonly<Record<string, unknown>>;
  readonly headers: readonly string[];

  constructor(code: ProblemCode, details: ProblemDetails = {}) {
    super(details.detail ?? PROBLEMS[code].title, { cause: details.cause });
    this.name = 'Problem';
    this.code = code;
    this.detail = details.detail;
    this.errors = details.errors ?? [];
    this.members = details.members ?? {};
    this.headers = details.headers ?? [];
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }
}

export interface ProblemContext {
  /** The path of the request, without its query. */
  readonly instance: string;
  readonly requestId: string;
}

/** The body of an `application/problem+json` answer. */
export function toProblemBody(problem: Problem, context: ProblemContext): Record<string, unknown> {
  const kind = PROBLEMS[problem.code];
  return {
    type: `urn:tollgate:problem:${problem.code}`,
    title: kind.title,
    status: kind.status,
    detail: problem.detail ?? kind.remedy,
    instance: context.instance,
    success: false,
    code: problem.code,
    requestId: context.requestId,
    ...(problem.errors.length > 0 && { errors: problem.errors }),
    ...problem.members,
  };
}
