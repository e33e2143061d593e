// YAML of strangers: read within limits, in a time that its length allows.

import { isScalar, LineCounter, parseDocument, visit } from 'yaml';

/** What an alias may stand for, all together; more is no document but an attack. */
const MAX_ALIASES = 100;

/** Throws with one line that says what is wrong, and where. Aliases are undone, `<<` merges, keys are unique. */
export function parseYaml(text: string): unknown {
  const lines = new LineCounter();
  // The library would hold each key of a map against all those before: minutes for a document of a megabyte.
  const document = parseDocument(text, { uniqueKeys: false, merge: true, logLevel: 'error', lineCounter: lines });
  const [error] = document.errors;
  if (error !== undefined) throw error;
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key) || key.value === '<<') continue;
        if (!seen.has(key.value)) seen.add(key.value);
        else throw new Error(`Map keys must be unique at ${placeOf(key.range?.[0], lines)}`);
      }
    },
  });
  return document.toJS({ maxAliasCount: MAX_ALIASES });
}

function placeOf(offset: number | undefined, lines: LineCounter): string {
  const { line, col } = lines.linePos(offset ?? 0);
  return `line ${line}, column ${col}`;
}
