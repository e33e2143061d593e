// Answers as people read them: tables and lists of fields. Pure but for the writing.

import type { Show } from './command.ts';
import { toPlain } from './plain-text.ts';

/** Longer cells of a table are cut; `--json` shows all. */
const MAX_CELL = 60;
const GAP = '  ';

export function toTable(rows: readonly unknown[], columns: readonly string[]): string[] {
  const heads = columns.map((column) =>
    (column.split('.').at(-1) ?? column).replaceAll(/([A-Z])/g, ' $1').toUpperCase(),
  );
  const cells = rows.map((row) => columns.map((column) => cut(toText(dig(row, column)))));
  const widths = heads.map((head, i) => Math.max(head.length, ...cells.map((line) => widthOf(line[i] ?? ''))));
  return [heads, ...cells].map((line) =>
    line
      .map((cell, i) => cell + ' '.repeat(Math.max(0, (widths[i] ?? 0) - widthOf(cell))))
      .join(GAP)
      .trimEnd(),
  );
}

export function toFields(resource: unknown, show: Extract<Show, { as: 'fields' }>): string[] {
  const secret = show.secret === undefined ? undefined : dig(resource, show.secret);
  const fields = flatten(resource, '').filter(([, value]) => value !== secret || secret === undefined);
  const width = Math.max(0, ...fields.map(([name]) => name.length));
  const lines = fields.map(([name, value]) => `${name.padEnd(width)}${GAP}${toText(value)}`);
  if (typeof secret !== 'string') return lines;
  return [...lines, '', 'The key itself, shown this once; nobody can look it up later:', '', `  ${toPlain(secret)}`];
}

/** Of an object at this place in the answer, each member with its name as a row. */
export function toMembers(resource: unknown, place: string): unknown[] {
  const found = place === '' ? resource : dig(resource, place);
  if (typeof found !== 'object' || found === null) return [];
  return Object.entries(found).map(([name, value]: [string, unknown]): unknown =>
    Object.assign({ name }, typeof value === 'object' ? value : undefined),
  );
}

/** The value at `a.b.c`; undefined when there is none. */
function dig(value: unknown, path: string): unknown {
  let found = value;
  for (const name of path.split('.')) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return undefined;
    found = new Map(Object.entries(found)).get(name);
  }
  return found;
}

/** Objects by their members, as `rateLimit.requestsPerDay`; lists stay whole. */
function flatten(value: unknown, name: string): [name: string, value: unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[name, value]];
  return Object.entries(value).flatMap(([member, inner]) =>
    flatten(inner, name === '' ? toPlain(member) : `${name}.${toPlain(member)}`),
  );
}

function toText(value: unknown): string {
  if (value === undefined || value === null) return '-';
  if (typeof value === 'string') return toPlain(value);
  if (Array.isArray(value) && value.every((entry) => typeof entry !== 'object'))
    return toPlain(value.join(', ')) || '-';
  return toPlain(JSON.stringify(value));
}

function cut(text: string): string {
  const characters = Array.from(text);
  return characters.length <= MAX_CELL ? text : `${characters.slice(0, MAX_CELL - 1).join('')}…`;
}

function widthOf(text: string): number {
  return Array.from(text).length;
}
