// What differs between two JSON values, place by place.

import { isDeepStrictEqual } from 'node:util';

export interface Change {
  /** Such as `a.b["c d"]`; empty for the whole. */
  readonly path: string;
  /** Absent when there was nothing, or is nothing any more. */
  readonly before?: unknown;
  readonly after?: unknown;
}

/** Objects are compared member by member, in the order of their names; lists and all else as a whole. Undefined is nothing. */
export function findChanges(before: unknown, after: unknown, path = ''): Change[] {
  if (!isMap(before) || !isMap(after)) {
    if (isDeepStrictEqual(before, after)) return [];
    return [{ path, ...(before !== undefined && { before }), ...(after !== undefined && { after }) }];
  }
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted();
  return names.flatMap((name) => findChanges(before[name], after[name], join(path, name)));
}

function join(path: string, name: string): string {
  if (!/^[A-Za-z_]\w*$/.test(name)) return `${path}[${JSON.stringify(name)}]`;
  return path === '' ? name : `${path}.${name}`;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
