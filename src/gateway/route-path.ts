// How paths are read before they are compared with the published ones. Only a copy is: the request goes on as it came.

/** The choices that an installation has. */
export interface PathRules {
  /** Whether `/Users` is another path than `/users`. */
  readonly case: 'sensitive' | 'insensitive';
  /** Whether `/users/` is another path than `/users`. */
  readonly trailingSlash: 'keep' | 'ignore';
  /** Whether the empty segment in `/a//b` counts. */
  readonly doubleSlashes: 'keep' | 'merge';
  /** `%2F`: a letter of its segment, an end of it like `/`, or refused. */
  readonly encodedSlash: 'keep' | 'separate' | 'refuse';
  /** `/./` and `/../`: refused, or the caller is sent to the path without them. */
  readonly dotSegments: 'refuse' | 'redirect';
}

export const STRICT_PATHS: PathRules = {
  case: 'sensitive',
  trailingSlash: 'keep',
  doubleSlashes: 'keep',
  encodedSlash: 'keep',
  dotSegments: 'refuse',
};

/** The copy to compare, where the caller had better go, or undefined for a path that others might read in another way. */
export type ReadPath = string | { readonly movedTo: string } | undefined;

const SLASH = 47;

// `.` and `..` as segments, plain or percent-encoded: an upstream may resolve them to a path that other rules protect. Some
// (Tomcat's kin) take what follows a semicolon off a segment before they do.
const DOT_SEGMENT = /(?:^|\/|%2f|\\|%5c)(?:\.|%2e){1,2}(?:$|\/|%2f|\\|%5c|;|%3b)/i;
const ENCODED_SLASH = /%2f/i;
const ENCODED_SLASHES = /%2f/gi;

/** A copy without rules' differences costs nothing where there are none to make: most paths are their own copy. */
export function createPathReader(rules: PathRules): (path: string) => ReadPath {
  const folds = rules.case === 'insensitive';
  const trims = rules.trailingSlash === 'ignore';
  const merges = rules.doubleSlashes === 'merge';

  return (path) => {
    // Other forms of target (RFC 9112 §3.2) and fragments: we would look at a part of what the upstream then gets to see.
    if (path.charCodeAt(0) !== SLASH || path.includes('#')) return undefined;
    let copy = path;
    if (path.includes('.') || path.includes('%')) {
      if (DOT_SEGMENT.test(path)) return rules.dotSegments === 'redirect' ? withoutDots(path) : undefined;
      const decoded = path.includes('%') ? decode(path, rules) : path;
      if (decoded === undefined) return undefined;
      copy = decoded;
    }
    if (merges && copy.includes('//')) copy = copy.replaceAll(/\/{2,}/g, '/');
    if (trims && copy.length > 1 && copy.charCodeAt(copy.length - 1) === SLASH) copy = copy.slice(0, -1);
    return folds ? fold(copy) : copy;
  };
}

/** The pattern of a published path as the copies of requests are compared with it. Its text is percent-encoded, `{name}` stays. */
export function toPattern(path: string, rules: PathRules): string {
  let pattern = path.includes('%') ? decodeURI(path) : path;
  if (rules.doubleSlashes === 'merge') pattern = pattern.replaceAll(/\/{2,}/g, '/');
  if (rules.trailingSlash === 'ignore' && pattern.length > 1 && pattern.endsWith('/')) pattern = pattern.slice(0, -1);
  return rules.case === 'insensitive' ? fold(pattern) : pattern;
}

/** Only the letters of ASCII: others change their number when they are folded, and some become one of these. */
function fold(text: string): string {
  return text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** Whether others may read the path as another one than it seems. */
export function hasDotSegments(path: string): boolean {
  return path.includes('.') || path.includes('%') ? DOT_SEGMENT.test(path) : false;
}

export function isWellEncoded(path: string): boolean {
  return !path.includes('%') || decodeText(path) !== undefined;
}

/** What stands for a letter becomes the letter: `%75sers` is `users` to every upstream. A slash that does not part segments stays encoded. */
function decode(path: string, rules: PathRules): string | undefined {
  if (!ENCODED_SLASH.test(path)) return decodeText(path);
  switch (rules.encodedSlash) {
    case 'keep':
      return decodeText(path.replaceAll(ENCODED_SLASHES, '%252F'));
    case 'separate':
      return decodeText(path);
    case 'refuse':
      return undefined;
  }
}

function decodeText(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** RFC 3986 §5.2.4, for dots that stand between plain slashes; all other spellings stay refused, and so does what could name another host. */
function withoutDots(path: string): ReadPath {
  const kept: string[] = [];
  const segments = path.slice(1).split('/');
  for (const [i, segment] of segments.entries()) {
    const plain = segment.replaceAll(/%2e/gi, '.');
    const isLast = i === segments.length - 1;
    if (plain === '.') {
      if (isLast) kept.push('');
    } else if (plain === '..') {
      kept.pop();
      if (isLast) kept.push('');
    } else kept.push(segment);
  }
  const movedTo = `/${kept.join('/')}`;
  return movedTo.startsWith('//') || DOT_SEGMENT.test(movedTo) || !isWellEncoded(movedTo) ? undefined : { movedTo };
}
