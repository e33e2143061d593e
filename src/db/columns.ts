// How column values come back: the same JavaScript types from both drivers, whatever their own defaults are.

import { sql, type RawBuilder } from 'kysely';

const OID = { bytea: 17, int8: 20, json: 114, timestamptz: 1184, jsonb: 3802 } as const;

/** PostgreSQL type number → parser of its text form. Types that are not listed come back alike from both drivers already. */
export const COLUMN_PARSERS: Readonly<Record<number, (text: string) => unknown>> = {
  [OID.bytea]: parseBytea,
  [OID.int8]: parseInt8,
  [OID.json]: JSON.parse,
  [OID.jsonb]: JSON.parse,
  [OID.timestamptz]: (text) => new Date(text),
};

/** A value for a jsonb column. As text, because the drivers disagree on arrays. */
export function toJson<Value>(value: Value): RawBuilder<Value> {
  return sql<Value>`${JSON.stringify(value)}::jsonb`;
}

/** The same where there may be none. */
export function toOptionalJson<Value>(value: Value | null | undefined): RawBuilder<Value> | null {
  return value === undefined || value === null ? null : toJson(value);
}

function parseInt8(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`int8 value ${text} does not fit a JavaScript number`);
  return value;
}

/** Only the hex form: `bytea_output = 'hex'` is the default of every PostgreSQL since 9.0. */
function parseBytea(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.slice(2), 'hex'));
}
