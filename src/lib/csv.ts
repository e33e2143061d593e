// Lines of CSV (RFC 4180) that a spreadsheet may open without harm.

/**
 * What makes a spreadsheet take a cell for a formula, the full-width forms of these included. Such a cell gets an apostrophe before it, which
 * spreadsheets take for "this is text" (OWASP, CSV injection).
 */
const FORMULA = /^[\s\uFEFF]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|^[\t\r\n]/;

/** One line with its end. */
export function toCsvLine(cells: readonly (string | number | undefined)[]): string {
  return `${cells.map(toCell).join(',')}\r\n`;
}

function toCell(value: string | number | undefined): string {
  if (value === undefined) return '';
  if (typeof value === 'number') return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
