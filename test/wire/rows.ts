// Rows of the tables: one raw message each, and what is to become of it. Raw text is Latin-1, one character an octet.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { WireFault } from '../../src/gateway/wire/fault.ts';
import { readEveryWay } from './cuts.ts';
import { type End, type Head, type Message, type Outcome, readRequests, readResponses } from './read-messages.ts';

export interface RefusedRow {
  /** Begins with the section that says so. */
  readonly name: string;
  readonly raw: string;
  readonly fault: WireFault;
}

/** What is named is compared; the rest of the message is free. */
export interface PassedRow {
  readonly name: string;
  readonly raw: string;
  readonly head?: Readonly<Record<string, unknown>>;
  readonly body?: string;
  readonly trailers?: readonly string[];
  /** What is left unread after the message. */
  readonly left?: string;
  readonly end?: End['is'];
}

/** A head of these lines, and what follows it. */
export function message(lines: readonly string[], rest = ''): string {
  return `${lines.join('\r\n')}\r\n\r\n${rest}`;
}

export function refusesRequests(title: string, rows: readonly RefusedRow[]): void {
  refuses(title, rows, readRequests);
}

export function passesRequests(title: string, rows: readonly PassedRow[]): void {
  passes(title, rows, readRequests);
}

export function refusesResponses(title: string, rows: readonly RefusedRow[], method = 'GET'): void {
  refuses(title, rows, (pieces) => readResponses(pieces, method));
}

export function passesResponses(title: string, rows: readonly PassedRow[], method = 'GET'): void {
  passes(title, rows, (pieces) => readResponses(pieces, method));
}

function refuses<H extends Head>(
  title: string,
  rows: readonly RefusedRow[],
  read: (pieces: readonly Buffer[]) => Outcome<H>,
): void {
  describe(title, () => {
    for (const { name, raw, fault } of rows) {
      test(name, () => {
        const { end, messages } = readEveryWay(raw, read);
        assert.deepEqual(end, { is: 'refused', fault });
        assert.equal(messages.length, 0);
      });
    }
  });
}

function passes<H extends Head>(
  title: string,
  rows: readonly PassedRow[],
  read: (pieces: readonly Buffer[]) => Outcome<H>,
): void {
  describe(title, () => {
    for (const row of rows) {
      test(row.name, () => {
        const { end, messages, partial, consumed } = readEveryWay(row.raw, read);
        const found: Message<H> | undefined = messages[0] ?? partial;
        assert.equal(end.is, row.end ?? (found?.head.keepAlive === false ? 'over' : 'idle'));
        assert.ok(found !== undefined, 'no message was read');
        for (const [key, value] of Object.entries(row.head ?? {}))
          assert.deepEqual(Reflect.get(found.head, key), value, key);
        assert.equal(found.body, row.body ?? '');
        assert.deepEqual(found.trailers, row.trailers ?? []);
        assert.equal(row.raw.slice(consumed), row.left ?? '');
      });
    }
  });
}
