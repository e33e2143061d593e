// What is generated into docs/reference is what the code says today.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { renderReference } from '../scripts/docs.ts';

const folder = new URL('../docs/reference/', import.meta.url);

describe('docs/reference', () => {
  for (const [file, text] of Object.entries(renderReference())) {
    it(`holds the current ${file} (npm run docs writes it)`, () => {
      assert.ok(
        readFileSync(new URL(file, folder), 'utf8') === text,
        `docs/reference/${file} is not what the code says: run npm run docs`,
      );
    });
  }

  it('holds nothing else', () => {
    assert.deepEqual(readdirSync(folder).toSorted(), Object.keys(renderReference()).toSorted());
  });
});
