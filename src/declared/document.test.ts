import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readDocument } from './document.ts';

const folder = mkdtempSync(join(tmpdir(), 'tollgate-document-'));
after(() => rmSync(folder, { recursive: true }));

const hostile: readonly [what: string, text: string, complaint: RegExp][] = [
  ['goes round in circles', 'gateways: &all\n  - endpoints: *all', /deeper than 100 levels/],
  ['stands for more than anybody meant', bomb(9), /neither YAML nor JSON.*alias/],
  ['ends too early', 'gateways: [', /neither YAML nor JSON/],
];
for (const [what, text, complaint] of hostile) {
  test(`a document that ${what} is refused with a sentence`, () => {
    const file = join(folder, 'hostile.yaml');
    writeFileSync(file, text);
    assert.throws(() => readDocument(file), complaint);
  });
}

/** A billion laughs: each line says the one before nine times. */
function bomb(lines: number): string {
  const names = Array.from({ length: lines }, (_, i) => `a${i}`);
  const said = names.map((name, i) => `${name}: &${name} [${`${i === 0 ? 'x' : `*a${i - 1}`},`.repeat(9)}]`);
  return [...said, `gateways: *a${lines - 1}`].join('\n');
}
