// Rows as COPY takes them in its text format: a line for each, fields parted by tabs.

const SPECIAL = /[\\\t\n\r]/g;
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

export type CopyValue = string | number | boolean | undefined;

/** Undefined is NULL. Texts without NUL, and well-formed. */
export function toCopyLine(values: readonly CopyValue[]): string {
  let line = '';
  for (const value of values) line += `${line === '' ? '' : '\t'}${toField(value)}`;
  return `${line}\n`;
}

function toField(value: CopyValue): string {
  if (value === undefined) return '\\N';
  if (typeof value !== 'string') return String(value);
  return value.replace(SPECIAL, (character) => ESCAPES[character] ?? character);
}
