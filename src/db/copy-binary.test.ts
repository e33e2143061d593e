import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { PGlite } from '@electric-sql/pglite';
import { CopyRows } from './copy-binary.ts';

interface Row {
  readonly text: string | undefined;
  readonly json: unknown;
  readonly flag: boolean;
  readonly small: number;
  readonly large: number;
  readonly real: number | undefined;
  readonly epochMs: number;
}

const PLAIN: Row = { text: 'a', json: ['b'], flag: true, small: 1, large: 2, real: 3.5, epochMs: 4 };

/** What a database that copied these rows gives back. */
async function copy(t: TestContext, given: readonly Row[]): Promise<Row[]> {
  const database = await PGlite.create('memory://');
  t.after(() => database.close());
  await database.query(`
    create table rows (number serial, words text, json jsonb, flag boolean, small integer, large bigint, real double precision, moment timestamptz)`);
  const rows = new CopyRows(7);
  for (const { text, json, flag, small, large, real, epochMs } of given) {
    rows.beginRow();
    rows.addText(text);
    rows.addJson(json);
    rows.addBoolean(flag);
    rows.addInteger(small);
    rows.addBigInteger(large);
    rows.addDouble(real);
    rows.addTime(epochMs);
  }
  await database.query(
    `copy rows (words, json, flag, small, large, real, moment) from '/dev/blob' (format binary)`,
    [],
    { blob: new Blob([rows.finish()]) },
  );
  const found = await database.query<Row>(`
    select coalesce(words, 'NULL') as text, coalesce(json, '"NULL"') as json, flag, small, large, coalesce(real, -1) as real,
      (extract(epoch from moment) * 1000)::float8 as "epochMs" from rows order by number`);
  return found.rows;
}

describe('rows for COPY', () => {
  test('arrive as they were, whatever is in them', async (t) => {
    const rows: Row[] = [
      PLAIN,
      { ...PLAIN, text: '', json: {}, flag: false, small: -2_147_483_648, large: -1, real: -0.1, epochMs: -1 },
      { ...PLAIN, text: 'ä\t\n\\N "€" 😀', small: 2_147_483_647, large: Number.MAX_SAFE_INTEGER, real: 1e-300 },
      { ...PLAIN, large: 2 ** 32, epochMs: Date.parse('1999-12-31T23:59:59.999Z') },
      { ...PLAIN, large: 2 ** 32 - 1, epochMs: Date.parse('2026-11-22T10:11:12.345Z') },
      { ...PLAIN, large: -(2 ** 32) - 1, epochMs: Date.parse('2000-01-01T00:00:00.000Z') },
    ];
    assert.deepEqual(await copy(t, rows), rows);
  });

  test('that have no value are NULL', async (t) => {
    const rows = [{ ...PLAIN, text: undefined, json: undefined, real: undefined }, PLAIN];
    const [first, second] = await copy(t, rows);
    assert.deepEqual([first?.text, first?.json, first?.real], ['NULL', 'NULL', -1]);
    assert.deepEqual(second, PLAIN);
  });

  test('may be many, and long', async (t) => {
    const rows = Array.from({ length: 300 }, (_, i) => ({ ...PLAIN, text: '€'.repeat(i * 10), small: i }));
    rows.push({ ...PLAIN, text: 'x'.repeat(300_000) });
    const found = await copy(t, rows);
    assert.ok(found.every((row, i) => row.text === rows[i]?.text && row.small === rows[i]?.small));
    assert.equal(found.length, rows.length);
  });

  test('may be none', async (t) => {
    assert.deepEqual(await copy(t, []), []);
  });
});
