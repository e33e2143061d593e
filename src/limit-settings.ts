// The settings of limits: part of the table in config.ts.

import { boolean, choice, integer } from './lib/setting.ts';

export const LIMIT_SETTINGS = {
  REDIS_TIMEOUT_MS: integer(12, 1, 10_000, {
    meaning:
      'How long a request may wait for Redis, in milliseconds; when one did, Redis counts as away until it answers in time again.',
  }),
  DEFAULT_REQUESTS_PER_MINUTE: integer(100, 1, 2_147_483_647, {
    meaning: 'Limit per minute of a key that names no limits.',
  }),
  DEFAULT_REQUESTS_PER_HOUR: integer(1000, 1, 2_147_483_647, {
    meaning: 'Limit per hour of a key that names no limits.',
  }),
  DEFAULT_REQUESTS_PER_DAY: integer(10_000, 1, 2_147_483_647, {
    meaning: 'Limit per day of a key that names no limits.',
  }),
  PUBLIC_REQUESTS_PER_MINUTE: integer(600, 0, 2_147_483_647, {
    meaning:
      'Limit per minute of an address, at endpoints that need no key, over all of them; 0 for none. Behind a proxy, set `TRUSTED_PROXIES`: all callers have its address otherwise.',
  }),
  ADDRESS_IPV6_PREFIX: integer(64, 32, 128, {
    meaning: 'How many bits of an IPv6 address tell one caller from another: a caller has a whole network of them.',
  }),
  LIMIT_COUNTERS: integer(262_144, 1024, 8_388_608, {
    meaning:
      'Counters held in shared memory, 64 bytes each; a key with three limits uses three. When more are needed, those that have counted least begin anew.',
  }),
  LIMITS_ON_FAILURE: choice('local', ['local', 'allow', 'deny'], {
    meaning:
      'What becomes of limited requests while Redis is away: counted on this node alone and added to Redis when it is back, let through, or refused with 503.',
  }),
  REFUND_FAILURES: boolean(true, {
    meaning: 'Whether a request that Tollgate itself answers with 500 and above is taken off the counts again.',
  }),
};
