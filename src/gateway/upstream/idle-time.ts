// How long a connection may wait for its next call.

import { isSameToken } from '../wire/octets.ts';
import type { ResponseHead } from '../wire/response-head.ts';

const IDLE_MS = 30_000;

/** A little less than the upstream said it would wait, so that the two do not meet half-way. */
export function idleMs(head: ResponseHead | undefined): number {
  const headers = head?.headers ?? [];
  for (let i = 0; i < headers.length; i += 2) {
    if (!isSameToken(headers[i] ?? '', 'keep-alive')) continue;
    const seconds = /timeout=(\d{1,5})/i.exec(headers[i + 1] ?? '')?.[1];
    if (seconds !== undefined) return Math.max(0, Math.min(IDLE_MS, Number(seconds) * 1000 - 1000));
  }
  return IDLE_MS;
}
