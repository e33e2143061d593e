// Reads one page of a list, whatever it is a list of.

import { sql, type Kysely, type RawBuilder, type SelectQueryBuilder } from 'kysely';
import { isBadValue } from '../db/failure.ts';
import type { Database } from '../db/schema.ts';
import { Problem } from '../lib/problem.ts';
import type { ListMeta } from './operation.ts';
import { BAD_CURSOR, toCursor, type Paging, type Sort } from './paging.ts';

/** More are not counted: a total beyond it is of no use, and its making dear. */
const MAX_COUNTED = 100_000;

/** What a list is ordered by, and by what it is told apart where that is equal. Neither is ever null. */
export interface SortColumn {
  readonly value: RawBuilder<unknown>;
  /** The SQL type of the value: cursors carry it as text. */
  readonly type: 'text' | 'timestamptz' | 'integer';
  readonly id: RawBuilder<unknown>;
  /** Text unless told. */
  readonly idType?: 'int8';
}

export interface PageRequest {
  readonly column: SortColumn;
  readonly sort: Sort;
  readonly paging: Paging;
}

export interface PageOf<Row> {
  readonly rows: readonly Row[];
  readonly meta: ListMeta;
}

/** `matching` selects the columns of the list and has its conditions, but neither order nor limit. */
export async function readPage<Tables extends keyof Database, Row>(
  db: Kysely<Database>,
  matching: SelectQueryBuilder<Database, Tables, Row>,
  request: PageRequest,
): Promise<PageOf<Row>> {
  try {
    return await read(db, matching, request);
  } catch (cause) {
    // Cursors are ours, but anybody can write one.
    if (request.paging.after === undefined || !isBadValue(cause)) throw cause;
    throw new Problem('invalid_request', { errors: [BAD_CURSOR], cause });
  }
}

async function read<Tables extends keyof Database, Row>(
  db: Kysely<Database>,
  matching: SelectQueryBuilder<Database, Tables, Row>,
  { column, sort, paging }: PageRequest,
): Promise<PageOf<Row>> {
  const { rows } = await sql<Row & { sort_value: string; sort_id: string }>`${matching
    .select([sql<string>`${column.value}::text`.as('sort_value'), sql<string>`${column.id}::text`.as('sort_id')])
    .$if(paging.after !== undefined, (query) => query.where(isBehind(column, sort, paging)))
    .orderBy(column.value, sort.order)
    .orderBy(column.id, sort.order)
    .limit(paging.pageSize + 1)
    .offset(paging.offset)}`.execute(db);
  const counted = await sql<{ total: number }>`select count(*) as total from (${matching
    .clearSelect()
    .select(sql`1`.as('one'))
    .limit(MAX_COUNTED)}) as counted`.execute(db);

  const shown = rows.slice(0, paging.pageSize);
  const last = rows.length > paging.pageSize ? shown.at(-1) : undefined;
  return {
    rows: shown,
    meta: {
      ...(paging.page !== undefined && { page: paging.page }),
      pageSize: paging.pageSize,
      total: counted.rows[0]?.total ?? 0,
      nextCursor: last === undefined ? null : toCursor({ value: last.sort_value, id: last.sort_id }, sort),
    },
  };
}

/** A pattern for ILIKE that finds the text anywhere. */
export function toLikePattern(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`;
}

/** Whether a row comes after the end of the page before. */
function isBehind(column: SortColumn, sort: Sort, { after }: Paging): RawBuilder<boolean> {
  const row = sql`(${column.value}, ${column.id})`;
  const position = sql`(${after?.value}::${sql.raw(column.type)}, ${after?.id}::${sql.raw(column.idType ?? 'text')})`;
  return sort.order === 'asc' ? sql<boolean>`${row} > ${position}` : sql<boolean>`${row} < ${position}`;
}
