// Records on their way to the main thread: as JSON, column by column, since the names of the fields need not be said for every record,
// and most texts are those of the record before. A third of what the same records cost as an array of objects, and half the length.

import type { ExchangeRecord } from './ports.ts';

/** In the place of a text that is that of the record before. No text column holds a number. */
const SAME = 0;

interface Column<Value> {
  /** Of a text, what is repeated is left out. */
  readonly kind: 'text' | 'value';
  readonly read: (record: ExchangeRecord) => Value;
}

const COLUMNS: { readonly [Name in keyof Required<ExchangeRecord>]: Column<ExchangeRecord[Name]> } = {
  requestId: { kind: 'text', read: (record) => record.requestId },
  correlationId: { kind: 'text', read: (record) => record.correlationId },
  startedAtMs: { kind: 'value', read: (record) => record.startedAtMs },
  durationMs: { kind: 'value', read: (record) => toMicroseconds(record.durationMs) },
  method: { kind: 'text', read: (record) => record.method },
  path: { kind: 'text', read: (record) => record.path },
  query: { kind: 'text', read: (record) => record.query },
  status: { kind: 'value', read: (record) => record.status },
  errorCode: { kind: 'text', read: (record) => record.errorCode },
  rateLimited: { kind: 'value', read: (record) => record.rateLimited },
  authFailed: { kind: 'value', read: (record) => record.authFailed },
  tenantId: { kind: 'text', read: (record) => record.tenantId },
  gatewayId: { kind: 'text', read: (record) => record.gatewayId },
  endpointId: { kind: 'text', read: (record) => record.endpointId },
  keyId: { kind: 'text', read: (record) => record.keyId },
  clientIp: { kind: 'text', read: (record) => record.clientIp },
  userAgent: { kind: 'text', read: (record) => record.userAgent },
  requestBytes: { kind: 'value', read: (record) => record.requestBytes },
  responseBytes: { kind: 'value', read: (record) => record.responseBytes },
  service: { kind: 'text', read: (record) => record.service },
  target: { kind: 'text', read: (record) => record.target },
  upstreamMs: {
    kind: 'value',
    read: ({ upstreamMs }) => (upstreamMs === undefined ? undefined : toMicroseconds(upstreamMs)),
  },
  requestHeaders: { kind: 'value', read: (record) => record.requestHeaders },
};

/** Whole microseconds, still in milliseconds: finer is noise. */
const toMicroseconds = (ms: number): number => Math.round(ms * 1000) / 1000;

export function encodeRecords(records: readonly ExchangeRecord[]): string {
  const columns: Record<string, unknown[]> = {};
  for (const [name, { kind, read }] of Object.entries<Column<unknown>>(COLUMNS)) {
    columns[name] = kind === 'text' ? toTextColumn(records, read) : records.map(read);
  }
  return JSON.stringify(columns);
}

function toTextColumn(records: readonly ExchangeRecord[], read: Column<unknown>['read']): unknown[] {
  let last: unknown = SAME;
  return records.map((record) => {
    const text = read(record);
    if (text === last) return SAME;
    last = text;
    return text;
  });
}

/** The records of which `encodeRecords` made the text. */
export function decodeRecords(text: string): ExchangeRecord[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by our own thread a moment ago
  const columns = JSON.parse(text) as Record<string, unknown[]>;
  const records = (columns['requestId'] ?? []).map((): Record<string, unknown> => ({}));
  for (const [name, { kind }] of Object.entries<Column<unknown>>(COLUMNS)) {
    const column = columns[name] ?? [];
    let last: unknown;
    for (const [i, record] of records.entries()) {
      if (kind === 'value' || column[i] !== SAME) last = column[i] ?? undefined;
      record[name] = last;
    }
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- every column has been read
  return records as unknown as ExchangeRecord[];
}
