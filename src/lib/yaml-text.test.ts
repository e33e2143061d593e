import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseYaml } from './yaml-text.ts';

test('YAML is read with its aliases and merges undone', () => {
  const text = 'base: &base { a: 1, b: 2 }\nof: { <<: *base, b: 3 }\nlist: [*base, yes, "1": x]';
  assert.deepEqual(parseYaml(text), {
    base: { a: 1, b: 2 },
    of: { a: 1, b: 3 },
    list: [{ a: 1, b: 2 }, 'yes', { '1': 'x' }],
  });
  assert.deepEqual(parseYaml('<<: { a: 1 }\n<<: { b: 2 }'), { a: 1, b: 2 });
  assert.equal(parseYaml(''), null);
});

const refused: readonly [what: string, text: string, complaint: RegExp][] = [
  ['says a key twice', 'a: 1\nb: { c: 1, d: 2, c: 3 }', /^Map keys must be unique at line 2, column 18$/],
  ['says a key twice in a list', '- a: 1\n  a: 2', /unique at line 2, column 3/],
  ['is several documents', 'a: 1\n---\nb: 2', /multiple documents/],
  ['is broken', 'a: [', /at line 1/],
  ['says more by aliases than anybody meant', bomb(12), /alias/],
];
for (const [what, text, complaint] of refused) {
  test(`YAML is refused that ${what}`, () => {
    assert.throws(
      () => parseYaml(text),
      (cause) => cause instanceof Error && complaint.test(cause.message.split('\n')[0] ?? ''),
    );
  });
}

test('as many keys as a document holds are not held against each other: that would take minutes', () => {
  const names = Array.from({ length: 50_000 }, (_, i) => `k${i}`);
  const map = parseYaml(`{ ${names.map((name) => `${name}: 1`).join(', ')} }`);
  assert.equal(Object.keys(map ?? {}).length, names.length);
});

/** A billion laughs: each line says the one before nine times. */
function bomb(lines: number): string {
  const names = Array.from({ length: lines }, (_, i) => `a${i}`);
  return names.map((name, i) => `${name}: &${name} [${`${i === 0 ? 'x' : `*a${i - 1}`},`.repeat(9)}]`).join('\n');
}
