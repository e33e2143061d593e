// Whether a key that has proved itself works right now. Pure, and the same for calls and for whoever asks about the key.

import { clientRefusal, type ClientStanding } from './client-status.ts';

/** Deprecated: rotated, and still working until it expires. */
export type KeyState = 'active' | 'deprecated' | 'revoked';

export type KeyRefusal =
  | 'key_revoked'
  | 'key_superseded'
  | 'key_expired'
  | 'operator_suspended'
  | 'tenant_suspended'
  | NonNullable<ReturnType<typeof clientRefusal>>;

/** What decides it. */
export interface KeyStanding {
  readonly status: KeyState;
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number | undefined;
  /** Whose suspension stops the key as long as it lasts; absent when nobody is suspended. */
  readonly suspended?: 'operator' | 'tenant';
  /** Of the client whose key it is; absent for keys of nobody's. */
  readonly client?: ClientStanding;
}

/** Why the key does not work, as the code of a problem; undefined when it does. */
export function findKeyRefusal(
  { status, expiresAtMs, suspended, client }: KeyStanding,
  nowMs: number,
): KeyRefusal | undefined {
  if (status === 'revoked') return 'key_revoked';
  if (expiresAtMs !== undefined && nowMs >= expiresAtMs)
    return status === 'deprecated' ? 'key_superseded' : 'key_expired';
  if (suspended !== undefined) return `${suspended}_suspended`;
  return client === undefined ? undefined : clientRefusal(client, nowMs);
}
