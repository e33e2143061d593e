// Whether two secrets are the same, in a time that tells nothing of where they differ or how long they are.

import { createHash, timingSafeEqual } from 'node:crypto';

export function isSameSecret(expected: string, given: unknown): boolean {
  return typeof given === 'string' && timingSafeEqual(digest(expected), digest(given));
}

function digest(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}
