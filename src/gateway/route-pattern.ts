// The paths that endpoints are published at: whether one is sound, and whether it would take requests away from the management API.

import { isWellEncoded } from './route-path.ts';

const PARAMETER = /^\{[A-Za-z_][A-Za-z0-9_]*\}$/;
// Encoded as it must be, and only then: what decodes to `/`, `*` or a plain letter would not mean what it seems to.
const LITERAL = /^(?:[A-Za-z0-9._~!$&'()+,;=@-]|%20|%[89A-Fa-f][0-9A-Fa-f])*$/;

/** What is wrong with an endpoint's path, or undefined. Accepts `{name}` for one segment and `*` as the last. */
export function checkPath(path: string): string | undefined {
  if (!path.startsWith('/')) return 'must begin with a slash';
  if (!isWellEncoded(path)) return 'must be percent-encoded UTF-8';
  const segments = path.slice(1).split('/');
  const names = new Set<string>();
  for (const [i, segment] of segments.entries()) {
    if (segment === '.' || segment === '..') return 'must not have dot segments';
    if (segment === '*' && i === segments.length - 1) continue;
    if (segment.includes('*')) return 'may have a * only as its last segment';
    if (PARAMETER.test(segment)) {
      if (names.has(segment)) return `names the parameter ${segment} twice`;
      names.add(segment);
    } else if (!LITERAL.test(segment)) {
      return `has a segment "${segment}" that is neither plain text nor one {parameter}`;
    }
  }
  return undefined;
}

/**
 * Whether this path, in segments, would be the plainer of two at which the managed one answers. Text comes before a parameter and a
 * parameter before a star: what is plainer at the first difference takes all that both could match.
 */
export function wouldShadow(path: readonly string[], managed: readonly string[]): boolean {
  let isPlainer = false;
  for (const [i, own] of path.entries()) {
    const other = managed[i];
    if (other === undefined) return false;
    if (other === '*') return true;
    if (own === '*') return isPlainer;
    if (own.startsWith('{')) {
      if (!isPlainer && !other.startsWith('{')) return false;
    } else if (other.startsWith('{')) isPlainer = true;
    else if (own !== other) return false;
  }
  return path.length === managed.length;
}
