// Keys for one purpose each, out of the one secret of the installation (HKDF, RFC 5869): what proves the audit log cannot open an answer.

import { hkdfSync } from 'node:crypto';

export type KeyPurpose = 'audit chain' | 'idempotency' | 'upstream secrets';

const KEY_BYTES = 32;

/** `secret` has at least 256 bits of chance in it. */
export function deriveKey(secret: string, purpose: KeyPurpose): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, '', `tollgate ${purpose} v1`, KEY_BYTES));
}
