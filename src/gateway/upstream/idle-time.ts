// How long a connection may wait for its next call.

import { KEEP_ALIVE } from '../wire/field-kind.ts';
import type { ResponseHead } from '../wire/response-head.ts';

const IDLE_MS = 30_000;

/** A little less than the upstream said it would wait, so that the two do not meet half-way. */
export function idleMs(head: ResponseHead | undefined): number {
  const said = head?.fields.joined(KEEP_ALIVE);
  const seconds = said === undefined ? undefined : /timeout=(\d{1,5})/i.exec(said)?.[1];
  return seconds === undefined ? IDLE_MS : Math.max(0, Math.min(IDLE_MS, Number(seconds) * 1000 - 1000));
}
