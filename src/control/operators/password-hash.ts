// Passwords as they are kept: scrypt (RFC 7914) with a salt of their own. Slow on purpose, since people's passwords can be guessed.
//
// N = 2^15, r = 8, p = 3 are of equal strength to the other settings that OWASP's password storage cheat sheet recommends, and take 32 MB
// each. Node runs at most four at a time, in its thread pool, so the memory is bounded too.

import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

const LOG_N = 15;
const R = 8;
const P = 3;
const MAX_MEMORY_BYTES = 64 * 1024 * 1024;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const FORM = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9_-]+)\$([A-Za-z0-9_-]+)$/;

interface Terms {
  readonly logN: number;
  readonly r: number;
  readonly p: number;
  readonly salt: Uint8Array;
  readonly bytes: number;
}

/** `$scrypt$ln=15,r=8,p=3$<salt>$<hash>`, base64url. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, { logN: LOG_N, r: R, p: P, salt, bytes: HASH_BYTES });
  return `$scrypt$ln=${LOG_N},r=${R},p=${P}$${salt.toString('base64url')}$${hash.toString('base64url')}`;
}

/** In constant time, and as long for a password that was never set as for a wrong one. Throws when the text is no hash of ours. */
export async function isPassword(password: string, kept: string | undefined): Promise<boolean> {
  const { hash, ...terms } = kept === undefined ? nobodys() : parse(kept);
  const made = await derive(password, terms);
  return kept !== undefined && timingSafeEqual(made, hash);
}

function parse(kept: string): Terms & { readonly hash: Uint8Array } {
  const [all, logN, r, p, salt = '', hash = ''] = FORM.exec(kept) ?? [];
  if (all === undefined) throw new Error('a kept password is not of the form that this program writes');
  const bytes = Buffer.from(hash, 'base64url');
  return {
    logN: Number(logN),
    r: Number(r),
    p: Number(p),
    salt: Buffer.from(salt, 'base64url'),
    hash: bytes,
    bytes: bytes.length,
  };
}

function nobodys(): Terms & { readonly hash: Uint8Array } {
  const none = new Uint8Array(HASH_BYTES);
  return { logN: LOG_N, r: R, p: P, salt: none.subarray(0, SALT_BYTES), hash: none, bytes: HASH_BYTES };
}

/** The same characters typed on another keyboard may be other code points: NFKC makes them one (RFC 8265 §4.2 does likewise). */
function derive(password: string, { logN, r, p, salt, bytes }: Terms): Promise<Buffer> {
  const options = { N: 2 ** logN, r, p, maxmem: MAX_MEMORY_BYTES };
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFKC'), salt, bytes, options, (error, hash) =>
      error === null ? resolve(hash) : reject(error),
    );
  });
}
