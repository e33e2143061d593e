// The fields that a gateway looks at, told apart once, while their names are read: everybody afterwards asks for a number in place of
// comparing names. One table; a kind is the number of a bit, so that a set of kinds is a whole number.

const OTHER = 0;
export const HOST = 1;
export const CONTENT_LENGTH = 2;
export const TRANSFER_ENCODING = 3;
export const CONNECTION = 4;
export const KEEP_ALIVE = 5;
export const TE = 6;
export const TRAILER = 7;
export const UPGRADE = 8;
export const EXPECT = 9;
/** `Proxy-…`, all of them between neighbours but `Proxy-Status` (RFC 9209), which is for everybody. */
export const PROXY_HOP = 10;
/** `Proxy`, of which CGI makes the variable HTTP_PROXY ("httpoxy"). */
export const PROXY = 11;
export const VIA = 12;
export const TRACEPARENT = 13;
export const TRACESTATE = 14;
export const X_REQUEST_ID = 15;
export const FORWARDED = 16;
export const X_REAL_IP = 17;
/** `X-Forwarded-For`, `-Proto`, `-Host` and `-Port`, which we write ourselves. */
export const X_FORWARDED = 18;
/** The others of that family (`-Prefix`, `-Ssl`, …). */
export const X_FORWARDED_OTHER = 19;
/** `Tollgate-…`: between us and our control plane. */
export const TOLLGATE = 20;
export const X_API_KEY = 21;
export const AUTHORIZATION = 22;
export const DATE = 23;
export const USER_AGENT = 24;
/** `RateLimit…` and `X-RateLimit-…`, of every draft and dialect. */
export const RATE_LIMIT = 25;
/**
 * One of those that we alone write, spelled with `_` for `-`. CGI and its heirs read both as one: whoever spells it so means to get past
 * a look at the name.
 */
export const DISGUISED = 26;
/** `X-API-Key` spelled so. It never authenticates, and is no more passed on than the other. */
export const DISGUISED_API_KEY = 27;
/** What makes a request known again (draft-ietf-httpapi-idempotency-key-header). */
export const IDEMPOTENCY_KEY = 28;
/** `Access-Control-…`: what pages of other origins may do, and what they ask to. */
export const ACCESS_CONTROL = 29;

/** A set of kinds. */
export function kindSet(...kinds: readonly number[]): number {
  return kinds.reduce((set, kind) => set | (1 << kind), 0);
}

export function hasKind(set: number, kind: number): boolean {
  return (set & (1 << kind)) !== 0;
}

interface Entry {
  readonly octets: Uint8Array;
  readonly kind: number;
  /** What it is with `_` somewhere in place of `-`. */
  readonly disguised: number;
}

const NAMES: readonly (readonly [name: string, kind: number, disguised?: number])[] = [
  ['host', HOST],
  ['content-length', CONTENT_LENGTH],
  ['transfer-encoding', TRANSFER_ENCODING],
  ['connection', CONNECTION],
  ['keep-alive', KEEP_ALIVE],
  ['te', TE],
  ['trailer', TRAILER],
  ['upgrade', UPGRADE],
  ['expect', EXPECT],
  ['proxy', PROXY],
  ['proxy-status', OTHER],
  ['via', VIA],
  ['traceparent', TRACEPARENT],
  ['tracestate', TRACESTATE],
  ['x-request-id', X_REQUEST_ID, DISGUISED],
  ['forwarded', FORWARDED],
  ['x-real-ip', X_REAL_IP, DISGUISED],
  ['x-forwarded-for', X_FORWARDED, DISGUISED],
  ['x-forwarded-proto', X_FORWARDED, DISGUISED],
  ['x-forwarded-host', X_FORWARDED, DISGUISED],
  ['x-forwarded-port', X_FORWARDED, DISGUISED],
  ['x-api-key', X_API_KEY, DISGUISED_API_KEY],
  ['authorization', AUTHORIZATION],
  ['date', DATE],
  ['user-agent', USER_AGENT],
  ['idempotency-key', IDEMPOTENCY_KEY],
];

const FAMILIES: readonly (readonly [start: string, kind: number, disguised?: number])[] = [
  ['proxy-', PROXY_HOP],
  ['x-forwarded-', X_FORWARDED_OTHER, DISGUISED],
  ['tollgate-', TOLLGATE, DISGUISED],
  ['ratelimit', RATE_LIMIT],
  ['x-ratelimit-', RATE_LIMIT],
  ['access-control-', ACCESS_CONTROL],
];

const LETTERS = 32;
const MAX_LENGTH = 31;
const UNDERSCORE = 0x5f;
const DASH = 0x2d;

/** By length and first letter: at most a few each. */
const BY_LENGTH_AND_LETTER: (Entry[] | undefined)[] = Array.from(
  { length: (MAX_LENGTH + 1) * LETTERS },
  () => undefined,
);
const FAMILIES_BY_LETTER: (Entry[] | undefined)[] = Array.from({ length: LETTERS }, () => undefined);

for (const [name, kind, disguised] of NAMES) {
  const key = name.length * LETTERS + (name.charCodeAt(0) & 31);
  (BY_LENGTH_AND_LETTER[key] ??= []).push(toEntry(name, kind, disguised));
}
for (const [start, kind, disguised] of FAMILIES) {
  (FAMILIES_BY_LETTER[start.charCodeAt(0) & 31] ??= []).push(toEntry(start, kind, disguised));
}

/** The kind of the field whose name stands between `start` and `end`. */
export function toKind(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  const letter = (bytes[start] ?? 0) & 31;
  const entries = length <= MAX_LENGTH ? BY_LENGTH_AND_LETTER[length * LETTERS + letter] : undefined;
  if (entries !== undefined) {
    for (const entry of entries) {
      const found = match(bytes, start, entry);
      if (found >= 0) return found;
    }
  }
  const families = FAMILIES_BY_LETTER[letter];
  return families === undefined ? OTHER : familyOf(families, bytes, start, end);
}

function familyOf(families: readonly Entry[], bytes: Uint8Array, start: number, end: number): number {
  for (const family of families) {
    if (end - start < family.octets.length) continue;
    const found = match(bytes, start, family);
    if (found < 0) continue;
    // The rest of the name may be disguised as well as its start.
    return found === family.kind && bytes.subarray(start, end).includes(UNDERSCORE) ? family.disguised : found;
  }
  return OTHER;
}

/** The entry's kind when its octets stand from `start` on, in any case; -1 when they do not. */
function match(bytes: Uint8Array, start: number, { octets, kind, disguised }: Entry): number {
  let found = kind;
  for (let i = 0; i < octets.length; i++) {
    const octet = bytes[start + i] ?? 0;
    const folded = octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
    if (folded === octets[i]) continue;
    if (octet !== UNDERSCORE || octets[i] !== DASH || disguised === OTHER) return -1;
    found = disguised;
  }
  return found;
}

/** Without a disguise of its own, a name spelled with `_` is another name. */
function toEntry(name: string, kind: number, disguised = OTHER): Entry {
  return { octets: Buffer.from(name, 'latin1'), kind, disguised };
}
