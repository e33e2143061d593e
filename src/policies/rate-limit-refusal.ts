// The 429 of a limit, in words: which limit it was, whose, and when to come back.

import type { Exchange, Reply } from '../gateway/exchange.ts';
import { problemReply } from '../gateway/problem-reply.ts';
import type { Limit } from '../lib/limit.ts';
import { Problem } from '../lib/problem.ts';
import { isShown, quotaName, type QuotaKind } from '../lib/quota.ts';
import { WINDOW_SECONDS, type WindowName } from '../lib/window.ts';
import type { Refused } from '../limits/limiter.ts';
import { secondsLeft } from './rate-limit-fields.ts';
import type { QuotaSet } from './rate-limit-quotas.ts';

const WHOM: Readonly<Record<QuotaKind, string>> = {
  address: 'this address',
  tenant: 'this tenant',
  client: 'this client',
  key: 'this key',
  endpoint: 'this endpoint',
  'client-endpoint': 'this client at this endpoint',
};

const PERIODS: Readonly<Record<WindowName, string>> = {
  minute: 'a minute',
  hour: 'an hour',
  day: 'a day',
  month: 'a month',
};

export function refusalReply(exchange: Exchange, { quotas }: QuotaSet, { refusedBy, atMs, standings }: Refused): Reply {
  const seconds = secondsLeft(refusedBy, atMs);
  const quota = quotas[standings.indexOf(refusedBy)];
  const headers = ['retry-after', String(seconds)];
  if (quota === undefined || !isShown(quota)) return problemReply(exchange, new Problem('rate_limited', { headers }));
  const again = `try again in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}`;
  return problemReply(
    exchange,
    new Problem('rate_limited', {
      detail: `The limit is ${describe(quota.limit)} for ${WHOM[quota.kind]}; ${again}.`,
      // By the draft of the RateLimit fields, section "Problem Types".
      members: { 'violated-policies': [quotaName(quota)] },
      headers,
    }),
  );
}

function describe(limit: Limit): string {
  if (limit.algorithm === 'concurrency') return `${requests(limit.limit)} at the same time`;
  if (limit.algorithm === 'bucket') return `${requests(limit.burst)} at once, with a new one every ${interval(limit)}`;
  return `${requests(limit.limit)} ${PERIODS[limit.window]}`;
}

function requests(count: number): string {
  return `${count} ${count === 1 ? 'request' : 'requests'}`;
}

function interval({ limit, window }: Extract<Limit, { algorithm: 'bucket' }>): string {
  const ms = (WINDOW_SECONDS[window] * 1000) / limit;
  return ms >= 1000 ? `${Number((ms / 1000).toPrecision(3))} s` : `${Number(ms.toPrecision(3))} ms`;
}
