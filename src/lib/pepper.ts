// The peppers under which keys are hashed. Two may be active at once, so that one can be exchanged while every key goes on working:
// a row tells by the pepper's id which one its hash was made with.

import { createHmac } from 'node:crypto';

export interface Pepper {
  readonly id: string;
  readonly secret: string;
}

export interface Peppers {
  /** New hashes are made with this one. */
  readonly current: Pepper;
  /** Proves keys that were hashed under it; they are hashed anew when they are used. */
  readonly previous: Pepper | undefined;
}

const ID_DIGITS = 16;

export function toPeppers(secret: string, previousSecret?: string): Peppers {
  return {
    current: toPepper(secret),
    previous: previousSecret === undefined ? undefined : toPepper(previousSecret),
  };
}

/** The pepper that a hash was made with, or undefined when it is not at hand any more. */
export function findPepper({ current, previous }: Peppers, id: string): Pepper | undefined {
  if (id === current.id) return current;
  return previous !== undefined && id === previous.id ? previous : undefined;
}

/** What a database keeps to know its pepper by: 48 bytes that nobody makes without it. */
export function proofOfPepper(secret: string): Uint8Array {
  return createHmac('sha384', secret).update('tollgate check of HMAC_SECRET').digest();
}

/** The beginning of that proof, in hexadecimal digits. */
export function pepperIdOf(secret: string): string {
  return Buffer.from(proofOfPepper(secret)).toString('hex').slice(0, ID_DIGITS);
}

function toPepper(secret: string): Pepper {
  return { id: pepperIdOf(secret), secret };
}
