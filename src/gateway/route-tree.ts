// The tree that published paths are kept in, a branch for each segment. Looking a way up makes nothing: no text is cut out of the path, for
// that would cost more than the way itself. `npm run bench:routing` measures it.

export interface Branch<Leaf> {
  readonly text: string;
  /** What stands behind the segment, while that is one text only. */
  only: Branch<Leaf> | undefined;
  /** By the hash of the texts, when there are several; the last of those with the same. */
  several: Map<number, Branch<Leaf>> | undefined;
  /** Another text with the same hash. */
  next: Branch<Leaf> | undefined;
  /** What stands behind the segment when that is a parameter. */
  parameter: Branch<Leaf> | undefined;
  /** For a path that ends here. */
  end: Leaf | undefined;
  /** For every path that goes on from here. */
  star: Leaf | undefined;
  /** Adds what is published below, when somebody comes here. */
  pending: (() => void)[] | undefined;
}

export function newBranch<Leaf>(text = ''): Branch<Leaf> {
  return {
    text,
    only: undefined,
    several: undefined,
    next: undefined,
    parameter: undefined,
    end: undefined,
    star: undefined,
    pending: undefined,
  };
}

export function isParameter(segment: string): boolean {
  return segment.startsWith('{');
}

/** The leaf of the path, made where it is missing. */
export function addPath<Leaf>(root: Branch<Leaf>, segments: readonly string[], makeLeaf: () => Leaf): Leaf {
  let branch = root;
  for (const segment of segments) {
    if (segment === '*') return (branch.star ??= makeLeaf());
    branch = isParameter(segment) ? (branch.parameter ??= newBranch<Leaf>()) : extend(branch, segment);
  }
  return (branch.end ??= makeLeaf());
}

/** The branch behind these segments of text, made where it is missing. */
export function branchOf<Leaf>(root: Branch<Leaf>, segments: readonly string[]): Branch<Leaf> {
  let branch = root;
  for (const segment of segments) branch = extend(branch, segment);
  return branch;
}

/** The branch of the segment of the path that begins at `from` and ends before `end`. */
export function branchAt<Leaf>(
  branch: Branch<Leaf>,
  path: string,
  from: number,
  end: number,
): Branch<Leaf> | undefined {
  const { only, several } = branch;
  if (only !== undefined) return stands(only.text, path, from, end) ? only : undefined;
  if (several === undefined) return undefined;
  let found = several.get(hash(path, from, end));
  while (found !== undefined && !stands(found.text, path, from, end)) found = found.next;
  return found;
}

function extend<Leaf>(branch: Branch<Leaf>, text: string): Branch<Leaf> {
  const known = branchAt(branch, text, 0, text.length);
  if (known !== undefined) return known;
  const made = newBranch<Leaf>(text);
  const { only } = branch;
  if (only === undefined && branch.several === undefined) {
    branch.only = made;
    return made;
  }
  const several = branch.several ?? new Map<number, Branch<Leaf>>();
  branch.several = several;
  for (const one of only === undefined ? [made] : [only, made]) {
    const code = hash(one.text, 0, one.text.length);
    one.next = several.get(code);
    several.set(code, one);
  }
  branch.only = undefined;
  return made;
}

/** FNV-1a. Only those who publish paths could make many texts share one, and only their own requests would meet them. */
function hash(text: string, from: number, end: number): number {
  let code = 0x811c9dc5;
  for (let i = from; i < end; i++) code = Math.imul(code ^ text.charCodeAt(i), 0x01000193);
  return code >> 1;
}

function stands(text: string, path: string, from: number, end: number): boolean {
  if (text.length !== end - from) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== path.charCodeAt(from + i)) return false;
  return true;
}
