import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { PEPPER_OF_FILES, toKeyHash } from '../lib/key-hash.ts';
import { newKeyText } from '../lib/key-text.ts';
import { toPeppers } from '../lib/pepper.ts';
import { addEntry, checkGuard } from './key-file.ts';

const peppers = toPeppers(PEPPER_OF_FILES);

function makeEntry(name: string) {
  return { name, hash: toKeyHash(newKeyText('tg_live').text, peppers.current) ?? '' };
}

describe('a file of keys', () => {
  let folder = '';
  let files = 0;
  const newFile = (): string => join(folder, `keys-${++files}.yaml`);

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tollgate-key-file-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  test('is made for its owner alone, and grows by what is added', () => {
    const file = newFile();
    const entries = [makeEntry('first'), makeEntry('second')];
    for (const entry of entries) addEntry(file, entry, peppers);
    assert.deepEqual(parse(readFileSync(file, 'utf8')), entries);
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  const grown: readonly [string, string][] = [
    ['comments', '# ours\n'],
    ['nothing', ''],
    ['no last line end', `# ours\n- name: a\n  hash: sha256:${'0'.repeat(64)}`],
  ];
  for (const [what, text] of grown) {
    test(`keeps what people wrote: ${what}`, () => {
      const file = newFile();
      writeFileSync(file, text);
      const entry = makeEntry('added');
      addEntry(file, entry, peppers);
      const grownText = readFileSync(file, 'utf8');
      assert.ok(grownText.startsWith(text));
      const list: unknown = parse(grownText);
      assert.deepEqual(Array.isArray(list) && list.at(-1), entry);
    });
  }

  const kept: readonly [string, string, RegExp][] = [
    ['a list in brackets', '[]\n', /put this into it yourself:\n- name: added/],
    ['something else', 'keys: 1\n', /is no list of entries/],
    ['what is no YAML', '{', /is no list of entries/],
    ['the same name', `- name: added\n  hash: sha256:${'0'.repeat(64)}\n`, /name "added" is there already/],
    ['another fault', '- name: a\n', /\[0\]\.hash is required/],
  ];
  for (const [what, text, message] of kept) {
    test(`is left alone where it holds ${what}`, () => {
      const file = newFile();
      writeFileSync(file, text);
      assert.throws(() => addEntry(file, makeEntry('added'), peppers), { name: 'DeclarationError', message });
      assert.equal(readFileSync(file, 'utf8'), text);
    });
  }

  test('cannot be made where there is no folder', () => {
    const file = join(folder, 'nowhere', 'keys.yaml');
    assert.throws(() => addEntry(file, makeEntry('a'), peppers), /cannot be written \(ENOENT\)/);
  });

  test('is refused when everybody may write it, and told of when everybody may read it', () => {
    const file = newFile();
    addEntry(file, makeEntry('a'), peppers);
    assert.equal(checkGuard(file), undefined);
    chmodSync(file, 0o644);
    assert.match(checkGuard(file) ?? '', /chmod o-r/);
    chmodSync(file, 0o602);
    assert.throws(() => checkGuard(file), { name: 'DeclarationError', message: /chmod o-w/ });
    assert.equal(checkGuard(newFile()), undefined);
  });
});
