// The path that an upstream gets to see, below the base path of its target.

import type { RewritePath } from '../../lib/path-rewrite.ts';
import type { Exchange } from '../exchange.ts';
import type { Plan, Target } from '../plan.ts';
import { hasDotSegments } from '../route-path.ts';

export function toUpstreamPath({ path }: Exchange, { stripCharacters, rewriting }: Plan): string | undefined {
  return toServicePath(path, stripCharacters, rewriting?.path);
}

/** What a target reads in `Host`. */
export function toAuthority({ host }: Exchange, { rewriting }: Plan, { authority }: Target): string {
  if (rewriting === undefined) return authority;
  return (rewriting.keepsHost ? host : rewriting.host) ?? authority;
}

/** Byte for byte as it came, less the prefix when it is stripped, and rewritten where that was said; undefined for what nobody may get. */
export function toServicePath(
  path: string,
  stripCharacters: number,
  rewrite: RewritePath | undefined,
): string | undefined {
  const rest = stripCharacters === 0 ? path : stripPrefix(path, stripCharacters);
  if (rewrite === undefined) return rest;
  const made = rewrite(rest);
  return hasDotSegments(made) ? undefined : made;
}

/**
 * Removes the first `count` characters as the router counted them: a percent-encoded one (`%64`) is one, and so are slashes in a row. An
 * encoded slash is what begins the rest only where it parts segments.
 */
export function stripPrefix(path: string, count: number): string {
  let end = 0;
  for (let i = 0; i < count; i++) {
    const character = path.charAt(end);
    end += character === '%' ? 3 : 1;
    if (character === '/') end = skipSlashes(path, end);
  }
  const rest = path.slice(end);
  if (rest.startsWith('/')) return rest;
  return `/${/^%2f/i.test(rest) ? rest.slice(3) : rest}`;
}

function skipSlashes(path: string, from: number): number {
  let end = from;
  while (path.charAt(end) === '/') end++;
  return end;
}
