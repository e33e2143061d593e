import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fakeApi, problem } from './fake-api.fixture.ts';

const verdict = (differences: object) => ({
  body: {
    success: true,
    data: { isIntact: true, isComplete: true, checked: 5, checkpoint: '5:hash', faults: [], ...differences },
  },
});
const FAULT = { sequence: 3, id: 'aud_3', kind: 'altered', message: 'is not what was written' };

describe('audit verify', () => {
  const api = fakeApi();

  test('says that the chain is intact, and where it ended', async () => {
    api.tell(verdict({}));
    const { code, out, err } = await api.run(['audit', 'verify']);
    assert.deepEqual([code, out, err], [0, '5 entries looked at: the chain is intact\ncheckpoint 5:hash\n', '']);
  });

  test('goes on until the end, and tells what any part found, with an exit code of its own', async () => {
    api.tell(
      verdict({ isIntact: false, isComplete: false, checked: 10_000, checkpoint: '10000:a', faults: [FAULT] }),
      verdict({ checked: 7, checkpoint: '10007:b' }),
    );
    const { code, out, err } = await api.run(['audit', 'verify', '--since', '0:x']);
    assert.deepEqual(
      api.asked.map(({ path }) => path),
      ['/audit-logs/verify?checkpoint=0%3Ax', '/audit-logs/verify?checkpoint=10000%3Aa'],
    );
    assert.deepEqual([code, err], [6, 'tollgate: the audit log was tampered with\n']);
    assert.match(out, /^10007 entries looked at: the chain is broken\n/);
    assert.match(out, /\n3 {9}aud_3 {2}altered {2}is not what was written\n/);
    assert.match(out, /\ncheckpoint 10007:b\n$/);
  });

  test('gives scripts one verdict of all parts', async () => {
    api.tell(verdict({ isComplete: false, checkpoint: '5:a' }), verdict({ isIntact: false, faults: [FAULT] }));
    const { code, out } = await api.run(['audit', 'verify', '--json']);
    const { isIntact, checked, faults } = JSON.parse(out);
    assert.deepEqual([code, isIntact, checked, faults], [6, false, 10, [FAULT]]);
  });

  test('never says intact of what it did not understand, or of a proof that goes round in circles', async () => {
    api.tell({ body: { data: { isIntact: true } } });
    assert.equal((await api.run(['audit', 'verify'])).code, 3);
    api.tell(verdict({ isComplete: false, checkpoint: '5:a' }));
    assert.equal((await api.run(['audit', 'verify'])).code, 3);
    api.tell(problem(403, 'insufficient_scope'));
    assert.equal((await api.run(['audit', 'verify'])).code, 4);
  });
});

describe('audit export', () => {
  const api = fakeApi();
  const LINES = '{"a":1}\n'.repeat(1_000);
  const send = { act: (_request: unknown, response: ServerResponse) => void response.end(LINES) };

  test('writes to standard output what comes, with the filters of the list', async () => {
    api.tell(send);
    const { code, out } = await api.run([
      'audit',
      'export',
      '--since',
      '2026-01-01',
      '--format',
      'csv',
      '--actor',
      'usr_1',
    ]);
    assert.deepEqual([code, out === LINES], [0, true]);
    assert.equal(api.asked[0]?.path, '/audit-logs/export?format=csv&actorId=usr_1&startDate=2026-01-01');
  });

  test('writes to a file of its own, for nobody else to read', async () => {
    api.tell(send);
    const output = join(api.folder(), 'changes.ndjson');
    const { code, out, err } = await api.run(['audit', 'export', '--output', output]);
    assert.deepEqual([code, out, err], [0, '', `written: ${output}\n`]);
    assert.equal(readFileSync(output, 'utf8'), LINES);
    assert.equal(statSync(output).mode & 0o077, 0);
  });

  test('overwrites nothing', async () => {
    api.tell(send);
    const output = join(api.folder(), 'there.ndjson');
    writeFileSync(output, 'mine');
    const { code, err } = await api.run(['audit', 'export', '--output', output]);
    assert.deepEqual([code, api.asked.length, readFileSync(output, 'utf8')], [2, 0, 'mine']);
    assert.match(err, /is there already, and is not overwritten/);
  });

  test('says so when the answer breaks off, and leaves no file that looks complete', async () => {
    const output = join(api.folder(), 'broken.ndjson');
    api.tell({
      act(_request, response) {
        response.write(LINES);
        response.write(LINES, () => response.destroy());
      },
    });
    const toFile = await api.run(['audit', 'export', '--output', output]);
    assert.deepEqual([toFile.code, existsSync(output), existsSync(`${output}.part`)], [3, false, false]);
    const toScreen = await api.run(['audit', 'export']);
    assert.equal(toScreen.code, 3);
    assert.match(toScreen.err, /broke its answer off .*: what came is not complete/);
  });

  test('is refused as other calls are', async () => {
    api.tell(problem(400, 'invalid_request', [{ path: 'query.startDate', message: 'must be a date' }]));
    const { code, err } = await api.run(['audit', 'export', '--since', 'x']);
    assert.equal(code, 1);
    assert.match(err, /query\.startDate must be a date/);
    api.tell(send);
    const unwritable = await api.run(['audit', 'export', '--output', '/nowhere/x']);
    assert.deepEqual([unwritable.code, /\/nowhere\/x cannot be written/.test(unwritable.err)], [1, true]);
  });
});
