// What texts in requests may look like, beyond their length. The name stands in the schema, the sentence in the fault.

import { SCOPE_PATTERN } from '../lib/scope.ts';

export interface TextFormat {
  check(text: string): boolean;
  /** Completes "body.x …". */
  readonly message: string;
}

const SCOPE = new RegExp(SCOPE_PATTERN);
const DATE_TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/i;
const EMAIL = /^[^\s@<>"]+@[^\s@<>".]+(\.[^\s@<>".]+)*$/;
const STATUS_LIST = /^([1-5]\d\d|[1-5]xx)(,([1-5]\d\d|[1-5]xx))*$/i;
const SERVICE_NAME = /^[A-Za-z][A-Za-z0-9._-]*$/;
const ROUTE_PREFIX = /^(\/|(\/[A-Za-z0-9._~-]+)+)$/;

export const FORMATS: Readonly<Record<string, TextFormat>> = {
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
  'status-list': {
    check: (text) => STATUS_LIST.test(text),
    message: 'must be a status such as 500, a class such as 5xx, or several of them joined by commas',
  },
  'service-name': {
    check: (text) => SERVICE_NAME.test(text),
    message: 'must begin with a letter and hold letters, digits, dots, dashes and underscores only',
  },
  'route-prefix': {
    check: (text) => ROUTE_PREFIX.test(text) && !/\/\.\.?(\/|$)/.test(text),
    message: 'must begin with a slash, not end with one, and hold plain segments only, such as /shop/v1',
  },
  'route-path': {
    check: (text) => /^\/\S*$/.test(text),
    message: 'must begin with a slash and hold no spaces, such as /users/{id} or /files/*',
  },
  'http-url': {
    check: (text) => isHttpUrl(text),
    message: 'must be an http:// or https:// URL without user, query and fragment, such as http://127.0.0.1:9000',
  },
};

/** Whether the calendar has the day: Date.parse takes the 30th of February for the 2nd of March. */
function isDate(day: string): boolean {
  const time = Date.parse(day);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day);
}

/** Beyond these years the notations of time diverge. */
function isStorableTime(timeMs: number): boolean {
  return timeMs >= 0 && timeMs < Date.UTC(10_000, 0);
}

function isHttpUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return false;
  return url.username === '' && url.password === '' && !/[?#\s]/.test(text);
}
