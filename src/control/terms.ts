// What holds for the terms of keys and clients beyond their schema. Pure.

import type { Fault } from '../lib/problem.ts';

const MAX_METADATA_BYTES = 4_096;

interface Terms {
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly expiresAt?: string | null;
}

/** `at` is where the terms stand in the request. */
export function termFaults({ metadata, expiresAt }: Terms, nowMs: number, at = 'body'): Fault[] {
  const faults: Fault[] = [];
  if (metadata !== undefined && Buffer.byteLength(JSON.stringify(metadata)) > MAX_METADATA_BYTES) {
    faults.push({ path: `${at}.metadata`, message: `must have at most ${MAX_METADATA_BYTES} bytes as JSON` });
  }
  if (typeof expiresAt === 'string' && Date.parse(expiresAt) <= nowMs) {
    faults.push({ path: `${at}.expiresAt`, message: 'must lie in the future' });
  }
  return faults;
}
