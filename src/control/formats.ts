// What texts in requests may look like, beyond their length. The name stands in the schema, the sentence in the fault.

import { isCountry } from '../lib/country.ts';
import { isEndpointPattern } from '../lib/endpoint-pattern.ts';
import { isId } from '../lib/id.ts';
import { isIpRange } from '../lib/ip-range.ts';
import { SCOPE_PATTERN } from '../lib/scope.ts';
import { isTimeZone } from '../lib/time-zone.ts';
import { TAG_LIST } from './entity-tag.ts';
import { PUBLISHING_FORMATS } from './publishing-formats.ts';

import type { TextFormat } from './text-format.ts';

const SCOPE = new RegExp(SCOPE_PATTERN);
const DATE_TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/i;
const EMAIL = /^[^\s@<>"]+@[^\s@<>".]+(\.[^\s@<>".]+)*$/;
const STATUS_LIST = /^([1-5]\d\d|[1-5]xx)(,([1-5]\d\d|[1-5]xx))*$/i;
const SERVICE_NAME = /^[A-Za-z][A-Za-z0-9._-]*$/;
const AUDIT_CHECKPOINT = /^(0|[1-9]\d{0,14}):[\w-]{43}$/;
const IDEMPOTENCY_KEY = /^(?:[\x21\x23-\x7E]{1,255}|"[\x20\x21\x23-\x7E]{1,255}")$/;
const SLUG = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const ROLE_NAME = /^[A-Za-z][A-Za-z0-9_-]*$/;
const ROUTE_PREFIX = /^(\/|(\/[A-Za-z0-9._~-]+)+)$/;

export const FORMATS: Readonly<Record<string, TextFormat>> = {
  ...PUBLISHING_FORMATS,
  'date-time': {
    check: (text) => DATE_TIME.test(text) && isDate(text.slice(0, 10)) && isStorableTime(Date.parse(text)),
    message: 'must be a date and time such as 2030-01-31T12:00:00Z, between 1970 and 9999',
  },
  email: {
    check: (text) => EMAIL.test(text),
    message: 'must be an e-mail address such as ada@example.com',
  },
  scope: {
    check: (text) => text.length <= 100 && SCOPE.test(text),
    message:
      'must be a scope such as orders:read (words of small letters, joined by colons; * for any rest), at most 100 characters',
  },
  'ip-range': {
    check: isIpRange,
    message: 'must be an address such as 192.0.2.7 or 2001:db8::1, or a range such as 10.0.0.0/8 or fd00::/8',
  },
  environment: {
    check: (text) => /^[a-z][a-z0-9]*$/.test(text),
    message: 'must be a word of small letters and digits, such as live or test',
  },
  sha256: {
    check: (text) => /^[0-9a-f]{64}$/i.test(text),
    message: 'must be a SHA-256 hash: 64 hexadecimal digits',
  },
  'status-list': {
    check: (text) => STATUS_LIST.test(text),
    message: 'must be a status such as 500, a class such as 5xx, or several of them joined by commas',
  },
  'service-name': {
    check: (text) => SERVICE_NAME.test(text),
    message: 'must begin with a letter and hold letters, digits, dots, dashes and underscores only',
  },
  slug: {
    check: (text) => SLUG.test(text),
    message: 'must begin with a small letter and hold small letters, digits and single dashes only, such as acme-corp',
  },
  'tier-name': {
    check: (text) => SLUG.test(text),
    message: 'must begin with a small letter and hold small letters, digits and single dashes only, such as gold',
  },
  'time-zone': {
    check: isTimeZone,
    message: 'must be the IANA name of a time zone, such as Europe/Berlin',
  },
  'role-name': {
    check: (text) => ROLE_NAME.test(text),
    message: 'must begin with a letter and hold letters, digits, dashes and underscores only, such as BILLING_ADMIN',
  },
  'route-prefix': {
    check: (text) => ROUTE_PREFIX.test(text) && !/\/\.\.?(\/|$)/.test(text),
    message: 'must begin with a slash, not end with one, and hold plain segments only, such as /shop/v1',
  },
  'route-path': {
    check: (text) => /^\/\S*$/.test(text),
    message: 'must begin with a slash and hold no spaces, such as /users/{id} or /files/*',
  },
  'check-path': {
    check: isCheckPath,
    message: 'must begin with a slash and hold no spaces, such as /health or /status?deep=1',
  },
  'check-url': {
    check: (text) => isCheckPath(text) || isHttpUrl(text),
    message:
      'must be a path that begins with a slash, such as /health, or an http:// or https:// URL without user, query and fragment',
  },
  'audit-checkpoint': {
    check: (text) => AUDIT_CHECKPOINT.test(text),
    message: 'must be the checkpoint of an answer as it came, such as 12:AbC…, a number, a colon and 43 characters',
  },
  'entity-tags': {
    check: (text) => TAG_LIST.test(text),
    message: 'must be one or more entity tags as ETag gave them, in their quotes and joined by commas, or *',
  },
  'idempotency-key': {
    check: (text) => IDEMPOTENCY_KEY.test(text),
    message: 'must be 1 to 255 printable ASCII characters without quotes inside, such as a UUID',
  },
  'http-url': {
    check: (text) => isHttpUrl(text),
    message: 'must be an http:// or https:// URL without user, query and fragment, such as http://127.0.0.1:9000',
  },
  'target-url': {
    check: (text) => isHttpUrl(text) || isServiceUrl(text),
    message:
      'must be an http:// or https:// URL without user, query and fragment, or a service without a port such as http+srv://_api._tcp.example.com',
  },
  'web-page': {
    check: (text) => isWebPage(text),
    message: 'must be an http:// or https:// URL without user, such as https://example.com/about?lang=en',
  },
  'redirect-uri': {
    check: (text) => isRedirectUri(text),
    message:
      'must be an https:// URL, an http:// URL of the own machine, or of an app’s own scheme such as com.example.app:/callback; without user, fragment and star',
  },
  country: {
    check: isCountry,
    message: 'must be a country in two capital letters such as DE (ISO 3166-1 alpha-2)',
  },
  'endpoint-name': {
    check: (text) => isId('ep', text) || isEndpointPattern(text),
    message:
      'must be the id of an endpoint (ep_…), or method and public path such as GET /shop/orders/{id} or * /shop/*',
  },
};

/** Whether the calendar has the day: Date.parse takes the 30th of February for the 2nd of March. */
function isCheckPath(text: string): boolean {
  return /^\/[!-~]*$/.test(text) && !text.includes('#');
}

function isDate(day: string): boolean {
  const time = Date.parse(day);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day);
}

/** Beyond these years the notations of time diverge. */
function isStorableTime(timeMs: number): boolean {
  return timeMs >= 0 && timeMs < Date.UTC(10_000, 0);
}

function isHttpUrl(text: string): boolean {
  return isWebPage(text) && !/[?#]/.test(text);
}

/** A service of RFC 2782, whose records tell the ports. */
function isServiceUrl(text: string): boolean {
  const plain = text.replace(/^(https?)\+srv:/, '$1:');
  return plain !== text && isHttpUrl(plain) && /^https?:\/\/_[a-z0-9-]+\._[a-z0-9-]+\.[^:/]+(?:\/|$)/.test(plain);
}

function isWebPage(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return false;
  return isWithoutUser(url) && !/\s/.test(text);
}

/** RFC 6749 §3.1.2 forbids fragments; RFC 8252 §7 lets apps use a scheme with a dot, or http on the loopback interface. */
function isRedirectUri(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || !isWithoutUser(url) || /[\s#*]/.test(text)) return false;
  if (url.protocol === 'http:') return ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  return url.protocol === 'https:' || url.protocol.includes('.');
}

function isWithoutUser({ username, password }: URL): boolean {
  return username === '' && password === '';
}
