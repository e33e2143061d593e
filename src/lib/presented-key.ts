// A key as a caller presents it, taken apart: what finds it, and what proves it.

import { digestOf, isForeignText, toForeignId, toForeignProof } from './foreign-key-text.ts';
import { parsePublicId, readPublicId } from './key-text.ts';

export interface PresentedKey {
  /** What it is looked up by. */
  readonly publicId: string;
  /** What is hashed under the pepper. */
  readonly proof: string;
}

/** Undefined for what can be no key: neither one of ours without a typing error, nor one that may have come from elsewhere. */
export function parsePresentedKey(text: string): PresentedKey | undefined {
  if (readPublicId(text) !== undefined) {
    const publicId = parsePublicId(text);
    return publicId === undefined ? undefined : { publicId, proof: text };
  }
  if (!isForeignText(text)) return undefined;
  const digest = digestOf(text);
  return { publicId: toForeignId(digest), proof: toForeignProof(digest) };
}
