// Authenticates by key: `X-API-Key: <key>` or `Authorization: Bearer <key>`.

import { Type } from 'typebox';
import type { Exchange, Reply } from '../gateway/exchange.ts';
import type { CompiledPolicy, Policy, PolicyDeps } from '../gateway/policy.ts';
import type { Credential, Presented } from '../gateway/ports.ts';
import { problemReply } from '../gateway/problem-reply.ts';
import { AUTHORIZATION, X_API_KEY } from '../gateway/wire/field-kind.ts';
import { digestOf, isForeignText, toForeignId, toForeignProof, toOwnForeignId } from '../lib/foreign-key-text.ts';
import { createIpMatcher } from '../lib/ip-range.ts';
import { findKeyRefusal } from '../lib/key-state.ts';
import { hasChecksum, hashKeyText, isKeyHash, readPublicId } from '../lib/key-text.ts';
import { findPepper, toPeppers, type Peppers } from '../lib/pepper.ts';
import { Problem, PROBLEMS, type ProblemCode } from '../lib/problem.ts';

const config = Type.Object({}, { additionalProperties: false });

// RFC 9110 §11.6.1: a 401 names the schemes that would do; RFC 6750 §3.1: and what is wrong with what came, if something came. A 403 of
// ours is about who holds the key, and no other key of theirs would do.
const ASK_FOR_KEY = ['www-authenticate', 'Bearer realm="tollgate"'];
const ASK_FOR_ANOTHER = ['www-authenticate', 'Bearer realm="tollgate", error="invalid_token"'];
/** A key with a list of addresses is called from few; what each of ten thousand keys remembers must be little. */
const MAX_REMEMBERED_ADDRESSES = 8;

export const apiKey: Policy<typeof config> = {
  name: 'api-key',
  stage: 'authenticate',
  config,
  compile: (_config, deps) => compile(deps),
};

interface Deps extends PolicyDeps {
  readonly peppers: Peppers;
}

/** Of each data plane: their ids are made with an HMAC, once and not for every endpoint of a snapshot. */
const peppersKnown = new WeakMap<PolicyDeps, Peppers>();

function peppersOf(deps: PolicyDeps): Peppers {
  const peppers = peppersKnown.get(deps) ?? toPeppers(deps.hmacSecret, deps.previousHmacSecret);
  peppersKnown.set(deps, peppers);
  return peppers;
}

function compile(given: PolicyDeps): CompiledPolicy {
  const deps = { ...given, peppers: peppersOf(given) };
  const { credentials } = deps;
  return {
    onRequest(exchange) {
      const presented = exchange.origin.presentedIn(exchange.fields, readPresented);
      if (presented === undefined) return refuse(exchange, 'missing_credentials');
      const { ownId } = presented;
      if (ownId === undefined)
        return presented.isForeign ? authenticateForeign(exchange, presented, deps) : refuse(exchange, 'invalid_key');
      const known = credentials.recall(ownId, presented.digest);
      if (known !== undefined && hasProved(presented, known)) return admit(exchange, known, deps);
      // A typing error is told without a look-up.
      if (!hasChecksum(presented.text)) return refuse(exchange, 'invalid_key');
      return proveFound(exchange, presented, known ?? credentials.find(ownId, presented), deps);
    },
  };
}

type Found = Credential | undefined | Promise<Credential | undefined>;

function authenticateForeign(exchange: Exchange, presented: Presented, deps: Deps): ReturnType<typeof proveFound> {
  const publicId = toForeignId(presented.digest);
  const found = lookUp(publicId, presented, deps);
  if (found instanceof Promise) {
    const own = found.then((first) => findOwn(exchange, presented, first, deps));
    return proveLater(exchange, presented, own, deps);
  }
  const own = findOwn(exchange, presented, found, deps);
  if (!(own instanceof Promise) && own !== undefined && hasProved(presented, own)) return admit(exchange, own, deps);
  return proveFound(exchange, presented, own, deps);
}

/** Of a text that several tenants have taken over, each has a key of its own: what is called tells whose is meant. */
function findOwn(exchange: Exchange, presented: Presented, first: Credential | undefined, deps: Deps): Found {
  const { tenantId, gatewayId } = exchange.plan ?? {};
  if (tenantId === undefined || gatewayId === undefined || first?.principal.tenantId === tenantId) return first;
  const own = lookUp(toOwnForeignId(toForeignId(presented.digest), tenantId), presented, deps);
  return own instanceof Promise ? own.then((second) => second ?? first) : (own ?? first);
}

const lookUp = (publicId: string, presented: Presented, { credentials }: Deps): Found =>
  credentials.recall(publicId, presented.digest) ?? credentials.find(publicId, presented);

function proveFound(
  exchange: Exchange,
  presented: Presented,
  found: Found,
  deps: Deps,
): Reply | undefined | Promise<Reply | undefined> {
  if (found instanceof Promise) return proveLater(exchange, presented, found, deps);
  return prove(exchange, presented, found, deps);
}

async function proveLater(
  exchange: Exchange,
  presented: Presented,
  pending: Promise<Credential | undefined>,
  deps: Deps,
): Promise<Reply | undefined> {
  let found: Credential | undefined;
  try {
    found = await pending;
  } catch (cause) {
    return problemReply(exchange, new Problem('credentials_unavailable', { headers: ['retry-after', '1'], cause }));
  }
  return prove(exchange, presented, found, deps);
}

/** To the key of another tenant nothing is published here; the management API is there for all. */
function isForeignTo({ plan }: Exchange, { principal }: Credential): boolean {
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

/** Whether the text is the one that has last proved it. */
function hasProved(presented: Presented, known: Credential): boolean {
  if (presented.proved === known) return true;
  if (!isSameDigest(proven.get(known) ?? '', presented.digest)) return false;
  presented.proved = known;
  return true;
}

function prove(exchange: Exchange, presented: Presented, found: Credential | undefined, deps: Deps): Reply | undefined {
  const { text, digest, isForeign } = presented;
  const { current } = deps.peppers;
  const pepper = found === undefined ? undefined : findPepper(deps.peppers, found.pepper);
  const proof = isForeign ? toForeignProof(digest) : text;
  // The HMAC is made for unknown keys too, so that the answer's time does not tell whether the public id exists.
  const made = hashKeyText(proof, (pepper ?? current).secret);
  if (found === undefined || pepper === undefined || !isKeyHash(found.hash, made))
    return refuse(exchange, 'invalid_key');
  proven.set(found, digest);
  presented.proved = found;
  if (pepper !== current) {
    // Only now is the text there to be hashed under the pepper that stays.
    const { publicId, hash: was } = found;
    deps.rehash({ publicId, was, hash: hashKeyText(proof, current.secret), pepper: current.id });
  }
  return admit(exchange, found, deps);
}

function admit(exchange: Exchange, found: Credential, deps: Deps): Reply | undefined {
  const refusal = findKeyRefusal(found, deps.clock.nowMs());
  if (refusal !== undefined) return refuse(exchange, refusal);
  if (isForeignTo(exchange, found)) {
    exchange.authFailed = true;
    return problemReply(exchange, new Problem('route_not_found', { detail: notPublished(exchange) }));
  }
  if (found.allowedIps !== undefined && !isAllowed(found, found.allowedIps, exchange.clientAddress)) {
    exchange.authFailed = true;
    return problemReply(
      exchange,
      new Problem('address_not_allowed', {
        detail: `This key may not be used from ${exchange.clientAddress || 'nowhere'}.`,
      }),
    );
  }
  exchange.principal = found.principal;
  return undefined;
}

const matchers = new WeakMap<Credential, (address: string) => boolean>();

function isAllowed(found: Credential, ranges: readonly string[], address: string): boolean {
  let matcher = matchers.get(found);
  if (matcher === undefined) {
    matcher = createIpMatcher(ranges, MAX_REMEMBERED_ADDRESSES);
    matchers.set(found, matcher);
  }
  return matcher(address);
}

/** In constant time, like every comparison with what proves somebody; a buffer for timingSafeEqual would cost three times the digest. */
function isSameDigest(known: string, made: string): boolean {
  let difference = known.length ^ made.length;
  for (let i = 0; i < known.length; i++) difference |= known.charCodeAt(i) ^ made.charCodeAt(i);
  return difference === 0;
}

function refuse(exchange: Exchange, code: ProblemCode): Reply {
  exchange.authFailed = true;
  const isMissing = code === 'missing_credentials';
  const headers = PROBLEMS[code].status === 401 ? (isMissing ? ASK_FOR_KEY : ASK_FOR_ANOTHER) : [];
  return problemReply(exchange, new Problem(code, { headers }));
}

function readPresented(fields: Exchange['fields'], last: Presented | undefined): Presented | undefined {
  const text = readKeyText(fields);
  if (text === undefined || text === last?.text) return text === undefined ? undefined : last;
  const ownId = readPublicId(text);
  const isForeign = ownId === undefined && isForeignText(text);
  const digest = ownId !== undefined || isForeign ? digestOf(text) : '';
  return { text, ownId, isForeign, digest, proved: undefined };
}

function readKeyText(fields: Exchange['fields']): string | undefined {
  const key = fields.first(X_API_KEY);
  if (key !== undefined) return key;
  const authorization = fields.first(AUTHORIZATION);
  if (authorization === undefined || authorization.slice(0, 7).toLowerCase() !== 'bearer ') return undefined;
  return authorization.slice(7).trim();
}
