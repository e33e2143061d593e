// Authenticates by key: `X-API-Key: <key>` or `Authorization: Bearer <key>`.

import { hash } from 'node:crypto';
import { Type } from 'typebox';
import type { Exchange, Reply } from '../gateway/exchange.ts';
import type { CompiledPolicy, Policy, PolicyDeps } from '../gateway/policy.ts';
import type { Credential } from '../gateway/ports.ts';
import { problemReply } from '../gateway/problem-reply.ts';
import { AUTHORIZATION, X_API_KEY } from '../gateway/wire/field-kind.ts';
import { clientRefusal } from '../lib/client-status.ts';
import { hashKeyText, isKeyHash, parsePublicId } from '../lib/key-text.ts';
import { Problem, type ProblemCode } from '../lib/problem.ts';

const config = Type.Object({}, { additionalProperties: false });

// RFC 9110 §11.6.1: a 401 names the schemes that would do.
const CHALLENGE = ['www-authenticate', 'Bearer realm="tollgate"'];

export const apiKey: Policy<typeof config> = {
  name: 'api-key',
  stage: 'authenticate',
  config,
  compile: (_config, deps) => compile(deps),
};

function compile(deps: PolicyDeps): CompiledPolicy {
  return {
    onRequest(exchange) {
      const text = readKeyText(exchange.fields);
      if (text === undefined) return refuse(exchange, 'missing_credentials');
      const publicId = parsePublicId(text);
      if (publicId === undefined) return refuse(exchange, 'invalid_key');
      const found = deps.credentials.find(publicId);
      if (found instanceof Promise) return admitLater(exchange, text, found, deps);
      return admit(exchange, text, found, deps);
    },
  };
}

async function admitLater(
  exchange: Exchange,
  text: string,
  pending: Promise<Credential | undefined>,
  deps: PolicyDeps,
): Promise<Reply | undefined> {
  let found: Credential | undefined;
  try {
    found = await pending;
  } catch (cause) {
    return problemReply(exchange, new Problem('credentials_unavailable', { headers: ['retry-after', '1'], cause }));
  }
  return admit(exchange, text, found, deps);
}

function admit(exchange: Exchange, text: string, found: Credential | undefined, deps: PolicyDeps): Reply | undefined {
  if (!isProven(text, found, deps.hmacSecret)) return refuse(exchange, 'invalid_key');
  if (found.status === 'revoked') return refuse(exchange, 'key_revoked');
  if (found.expiresAtMs !== undefined && found.expiresAtMs <= deps.clock.nowMs())
    return refuse(exchange, 'key_expired');
  if (found.suspended !== undefined) return refuse(exchange, `${found.suspended}_suspended`);
  if (found.client !== undefined) {
    const refusal = clientRefusal(found.client, deps.clock.nowMs());
    if (refusal !== undefined) return refuse(exchange, refusal);
  }
  if (isForeign(exchange, found)) {
    exchange.authFailed = true;
    return problemReply(exchange, new Problem('route_not_found', { detail: notPublished(exchange) }));
  }
  exchange.principal = found.principal;
  return undefined;
}

/** To the key of another tenant nothing is published here; the management API is there for all. */
function isForeign({ plan }: Exchange, { principal }: Credential): boolean {
  return plan?.gatewayId !== undefined && plan.tenantId !== principal.tenantId;
}

/** In the words of a path at which nothing is published. */
function notPublished({ method, path }: Exchange): string {
  return `Nothing is published at ${method} ${path}.`;
}

/**
 * The SHA-256 of the text that has last proved a credential. The HMAC takes three times as long, and nearly every request brings a text that
 * has been proved before. A credential that is looked up anew is a new object and has to be proved anew.
 */
const proven = new WeakMap<Credential, string>();

function isProven(text: string, found: Credential | undefined, hmacSecret: string): found is Credential {
  const digest = hash('sha256', text, 'hex');
  const known = found === undefined ? undefined : proven.get(found);
  if (known !== undefined && isSameDigest(known, digest)) return true;
  // The HMAC is made for unknown keys too, so that the answer's time does not tell whether the public id exists.
  const made = hashKeyText(text, hmacSecret);
  if (found === undefined || !isKeyHash(found.hash, made)) return false;
  proven.set(found, digest);
  return true;
}

/** In constant time, like every comparison with what proves somebody; a buffer for timingSafeEqual would cost three times the digest. */
function isSameDigest(known: string, made: string): boolean {
  let difference = known.length ^ made.length;
  for (let i = 0; i < known.length; i++) difference |= known.charCodeAt(i) ^ made.charCodeAt(i);
  return difference === 0;
}

function refuse(exchange: Exchange, code: ProblemCode): Reply {
  exchange.authFailed = true;
  return problemReply(exchange, new Problem(code, { headers: CHALLENGE }));
}

function readKeyText(fields: Exchange['fields']): string | undefined {
  const key = fields.first(X_API_KEY);
  if (key !== undefined) return key;
  const authorization = fields.first(AUTHORIZATION);
  if (authorization === undefined || authorization.slice(0, 7).toLowerCase() !== 'bearer ') return undefined;
  return authorization.slice(7).trim();
}
