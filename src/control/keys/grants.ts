// Scopes that stand elsewhere than in the body's own `scopes`: what is wrong with them is told where they stand.

import { Problem } from '../../lib/problem.ts';

export interface PlacedScope {
  readonly scope: string;
  /** Where it stands, for the caller. */
  readonly path: string;
}

const MAPPED: ReadonlySet<string> = new Set(['scope_not_grantable', 'invalid_request']);

/** `check` takes the scopes as if they were those of the body, and refuses some by their place in the list. */
export async function checkPlaced(
  scopes: readonly PlacedScope[],
  check: (plain: readonly string[]) => Promise<unknown>,
): Promise<void> {
  try {
    await check(scopes.map(({ scope }) => scope));
  } catch (cause) {
    if (!(cause instanceof Problem) || !MAPPED.has(cause.code)) throw cause;
    const errors = cause.errors.map(({ path, message }) => {
      const place = /^body\.scopes\[(\d+)\]$/.exec(path)?.[1];
      return { path: scopes[Number(place)]?.path ?? path, message };
    });
    throw new Problem(cause.code, { errors, cause });
  }
}
