// Lists a page at a time: by number, or by a cursor that says where the last page ended.

import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import type { Fault } from '../lib/problem.ts';

const DEFAULT_PAGE_SIZE = 20;
/** Pages are counted off from the beginning, so far ones are dear: beyond this only cursors lead. */
const MAX_PAGE = 1_000;

export type SortOrder = 'asc' | 'desc';

export interface Sort {
  readonly by: string;
  readonly order: SortOrder;
}

/** Where a page ended: the last row's value in the sorted column, as the database writes it, and its id. */
export interface Position {
  readonly value: string;
  readonly id: string;
}

export interface Paging {
  readonly pageSize: number;
  readonly offset: number;
  readonly page: number | undefined;
  readonly after: Position | undefined;
}

export function pagingFields(maxPageSize: number) {
  const size = { minimum: 1, maximum: maxPageSize };
  return {
    page: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_PAGE, description: 'Which page, from 1.' })),
    pageSize: Type.Optional(
      Type.Integer({ ...size, description: `Entries on a page; ${DEFAULT_PAGE_SIZE} unless told.` }),
    ),
    limit: Type.Optional(Type.Integer({ ...size, description: 'The same as pageSize.' })),
    cursor: Type.Optional(
      Type.String({ maxLength: 1_000, description: '`meta.nextCursor` of the page before, instead of page.' }),
    ),
  };
}

interface PagingQuery {
  readonly page?: number;
  readonly pageSize?: number;
  readonly limit?: number;
  readonly cursor?: string;
}

export const BAD_CURSOR: Fault = {
  path: 'query.cursor',
  message: 'is no cursor of this list in this order: use meta.nextCursor as it came, with the same sorting',
};

export function pagingFaults(query: PagingQuery, sort: Sort): Fault[] {
  const faults: Fault[] = [];
  if (query.page !== undefined && query.cursor !== undefined) {
    faults.push({ path: 'query.cursor', message: 'goes without page: send one of the two' });
  }
  if (query.pageSize !== undefined && query.limit !== undefined) {
    faults.push({ path: 'query.limit', message: 'means the same as pageSize: send one of the two' });
  }
  if (query.cursor !== undefined && parseCursor(query.cursor, sort) === undefined) {
    faults.push(BAD_CURSOR);
  }
  return faults;
}

export function toPaging(query: PagingQuery, sort: Sort): Paging {
  const pageSize = query.pageSize ?? query.limit ?? DEFAULT_PAGE_SIZE;
  const after = query.cursor === undefined ? undefined : parseCursor(query.cursor, sort);
  const page = after === undefined ? (query.page ?? 1) : undefined;
  return { pageSize, offset: page === undefined ? 0 : (page - 1) * pageSize, page, after };
}

/** The cursor that leads behind the position. */
export function toCursor(position: Position, sort: Sort): string {
  const json: Static<typeof CursorJson> = [sortName(sort), position.value, position.id];
  return Buffer.from(JSON.stringify(json)).toString('base64url');
}

const CursorJson = Type.Tuple([Type.String(), Type.String(), Type.String()]);

function parseCursor(cursor: string, sort: Sort): Position | undefined {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
  if (!Value.Check(CursorJson, json)) return undefined;
  const [name, value, id] = json;
  return name === sortName(sort) ? { value, id } : undefined;
}

function sortName(sort: Sort): string {
  return `${sort.by}:${sort.order}`;
}
