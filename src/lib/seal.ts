// Secrets that must be read again, as the database keeps them: AES-256-GCM. What a text belongs to goes in as well, so that nobody who can write
// the tables passes one row's secret off as another's.

import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
/** So that another form can be told from this one later. */
const FORM = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface SealedFor {
  /** 32 bytes. Under one key, 2^32 texts are safe (NIST SP 800-38D, 8.3): nonces are drawn by chance. */
  readonly key: Uint8Array;
  /** The identity of the row that the text belongs to. */
  readonly owner: string;
}

/** Form, nonce, encrypted text, tag. */
export function seal(text: string, sealedFor: SealedFor): Uint8Array {
  return sealWith(randomBytes(NONCE_BYTES), text, sealedFor);
}

/**
 * The same text of the same owner comes out the same, so that one that was sent again can be told from another one, and nobody can tell more: the
 * nonce is made of both under a key of its own (as in RFC 5297 §3).
 */
export function sealAlike(text: string, sealedFor: SealedFor): Uint8Array {
  const nonceKey = createHmac('sha256', sealedFor.key).update('tollgate nonce v1').digest();
  const length = String(Buffer.byteLength(sealedFor.owner));
  const nonce = createHmac('sha256', nonceKey).update(`${length} ${sealedFor.owner}${text}`).digest();
  return sealWith(nonce.subarray(0, NONCE_BYTES), text, sealedFor);
}

function sealWith(nonce: Buffer, text: string, { key, owner }: SealedFor): Uint8Array {
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(owner, 'utf8'));
  const sealed = [Buffer.from([FORM]), nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()];
  return new Uint8Array(Buffer.concat(sealed));
}

/** Undefined when it was sealed with another key, for another owner, or was altered since. */
export function unseal(sealed: Uint8Array, { key, owner }: SealedFor): string | undefined {
  if (sealed.length < 1 + NONCE_BYTES + TAG_BYTES || sealed[0] !== FORM) return undefined;
  const end = sealed.length - TAG_BYTES;
  const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(1, 1 + NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(owner, 'utf8'));
  decipher.setAuthTag(sealed.subarray(end));
  try {
    return decipher.update(sealed.subarray(1 + NONCE_BYTES, end), undefined, 'utf8') + decipher.final('utf8');
  } catch {
    return undefined;
  }
}
