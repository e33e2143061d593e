// The audit log as a stream of lines: a page at a time, each in a short transaction of its own, the next one read when the last is sent.
// Memory stays flat, and a reader who is slow or gone holds nothing in the database.

import { inTenant } from '../../db/tenant-transaction.ts';
import type { AuthorizedContext } from '../operation.ts';
import { CSV_HEAD, toAuditCsvLine, toNdjsonLine } from './present.ts';
import { findChainEnd, readStretch, type AuditFilter } from './store.ts';

/** At most a few megabytes, however long the entries are. */
const PAGE_ENTRIES = 200;

export type ExportFormat = 'ndjson' | 'csv';

export const MEDIA_TYPES: Readonly<Record<ExportFormat, string>> = {
  ndjson: 'application/x-ndjson',
  csv: 'text/csv',
};

/** The entries that are there when the first page is read, in the order of the log. */
export async function* exportLines(
  { services, principal }: Pick<AuthorizedContext, 'services' | 'principal'>,
  format: ExportFormat,
  filter: AuditFilter,
): AsyncGenerator<string> {
  if (format === 'csv') yield CSV_HEAD;
  const toLine = format === 'csv' ? toAuditCsvLine : toNdjsonLine;
  const end = await inTenant(services.db, principal, (trx) => findChainEnd(trx, principal));
  let after = 0;
  while (after < (end?.count ?? 0)) {
    const stretch = { after, limit: PAGE_ENTRIES, filter };
    const page = await inTenant(services.db, principal, (trx) => readStretch(trx, principal, stretch));
    const last = page.at(-1);
    if (last === undefined) return;
    yield page
      .filter(({ sequence }) => sequence <= (end?.count ?? 0))
      .map(toLine)
      .join('');
    after = last.sequence;
  }
}
