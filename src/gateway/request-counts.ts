// What the gateway threads count of the requests that are over, in shared memory: whoever wants to know reads it without asking them, and
// what a thread has counted outlives it. Each thread writes its own part, so that a request costs a few plain additions and no lock.

import type { Exchange } from './exchange.ts';
import { RequestCountCells, GATEWAY_CELLS, type GatewayCounts, toGatewayCounts } from './request-count-cells.ts';
import { RequestCountNames } from './request-count-names.ts';

/** Gateways that are told apart, each from the first snapshot that has it; those that come later count as one. */
export const MAX_GATEWAYS = 1000;

/** Rows that are not of a published gateway: requests that no route takes, the management API, and gateways beyond the most. */
const FIXED_ROWS = ['none', 'management', 'other'] as const;
const NONE = 0;
const MANAGEMENT = 1;
const OTHER = 2;
const ROWS = FIXED_ROWS.length + MAX_GATEWAYS;

const CELL_BYTES = Float64Array.BYTES_PER_ELEMENT;
const NAMES_BYTES = RequestCountNames.sizeBytes(MAX_GATEWAYS);
const THREAD_CELLS = ROWS * GATEWAY_CELLS;

export interface RequestCounts {
  /** Where requests of this gateway count; null is the management API. Asked when a snapshot is loaded, and when routes are compiled. */
  rowOf(gatewayId: string | null): number;
  count(exchange: Exchange, durationMs: number): void;
}

/** Counts nothing, where nobody reads it. */
export const UNCOUNTED: RequestCounts = { rowOf: () => NONE, count: () => {} };

export function createRequestCounts(threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer(NAMES_BYTES + threads * THREAD_CELLS * CELL_BYTES);
}

/** `thread`: the number of the one that counts, from 1 on. No other may count under it at the same time. */
export function openRequestCounts(memory: SharedArrayBuffer, thread: number): RequestCounts {
  const names = new RequestCountNames(memory, MAX_GATEWAYS);
  const cells = new RequestCountCells(cellsOf(memory, thread));
  return {
    rowOf(gatewayId) {
      if (gatewayId === null) return MANAGEMENT;
      const place = names.placeOf(gatewayId);
      return place === undefined ? OTHER : FIXED_ROWS.length + place;
    },
    count(exchange, durationMs) {
      cells.count(exchange.plan?.countsRow ?? NONE, exchange, durationMs);
    },
  };
}

/** The sums over all threads since the memory was made, by gateway; the ids of gateways, and the names of the rows that are of none. */
export function readRequestCounts(memory: SharedArrayBuffer): GatewayCounts[] {
  const threads = (memory.byteLength - NAMES_BYTES) / CELL_BYTES / THREAD_CELLS;
  const names = [...FIXED_ROWS, ...new RequestCountNames(memory, MAX_GATEWAYS).list()];
  const sums = new Float64Array(names.length * GATEWAY_CELLS);
  for (let thread = 1; thread <= threads; thread++) {
    const own = cellsOf(memory, thread);
    for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] ?? 0) + (own[i] ?? 0);
  }
  return names.flatMap((gateway, row) =>
    gateway === undefined
      ? []
      : [toGatewayCounts(gateway, sums.subarray(row * GATEWAY_CELLS, (row + 1) * GATEWAY_CELLS))],
  );
}

function cellsOf(memory: SharedArrayBuffer, thread: number): Float64Array<SharedArrayBuffer> {
  return new Float64Array(memory, NAMES_BYTES + (thread - 1) * THREAD_CELLS * CELL_BYTES, THREAD_CELLS);
}
