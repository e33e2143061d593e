// Walks a tenant's chain and tells what was removed, altered or put in.

import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import type { TenantScope } from '../../db/scope.ts';
import { CHAIN_START, hashEntry, isSameHash, type AuditEntry, type ChainEnd } from './entry.ts';
import type { AuditFault, AuditVerdict } from './schema.ts';
import { findChainEnd, readStretch, type AuditRow } from './store.ts';

const PAGE_ENTRIES = 500;
/** In one call; the caller goes on from the checkpoint. */
const MAX_ENTRIES = 10_000;
const MAX_FAULTS = 100;

/** `<count>:<hash of the last entry>`, the hash in base64url. */
const CHECKPOINT_PATTERN = /^(0|[1-9]\d{0,14}):([\w-]{43})$/;

/** Looks at what follows the checkpoint, up to 10,000 entries. */
export async function verifyChain(
  trx: Kysely<Database>,
  scope: TenantScope,
  { key, checkpoint }: { readonly key: Uint8Array; readonly checkpoint: string | undefined },
): Promise<AuditVerdict> {
  const walk = new ChainWalk(key, checkpoint === undefined ? CHAIN_START : parseCheckpoint(checkpoint));
  if (checkpoint !== undefined) await checkStart(trx, scope, walk);
  while (!walk.isFull) {
    const page = await readStretch(trx, scope, { after: walk.count, limit: PAGE_ENTRIES });
    for (const row of page) walk.step(row);
    if (page.length === PAGE_ENTRIES) continue;
    // The end is read after the entries: what was appended in between is for another round.
    const end = await findChainEnd(trx, scope);
    const hasMore = end !== undefined && end.count > walk.count && (await isThere(trx, scope, walk.count));
    if (hasMore) continue;
    walk.finish(end);
    break;
  }
  return walk.verdict();
}

async function checkStart(trx: Kysely<Database>, scope: TenantScope, walk: ChainWalk): Promise<void> {
  if (walk.count === 0) return;
  const [row] = await readStretch(trx, scope, { after: walk.count - 1, limit: 1 });
  if (row?.sequence !== walk.count) {
    walk.fault('checkpoint', walk.count, 'the entry of the checkpoint is not there any more');
  } else if (!isSameHash(row.hash, walk.hash)) {
    walk.fault('checkpoint', row, 'is not the entry that the checkpoint was made of');
  }
}

async function isThere(trx: Kysely<Database>, scope: TenantScope, after: number): Promise<boolean> {
  return (await readStretch(trx, scope, { after, limit: 1 })).length > 0;
}

class ChainWalk {
  count: number;
  hash: Uint8Array;
  readonly #key: Uint8Array;
  readonly #faults: AuditFault[] = [];
  #checked = 0;
  #isComplete = false;
  /** The entry before is not what it was: that the next one does not follow on it is no news. */
  #isBroken = false;

  constructor(key: Uint8Array, start: ChainEnd) {
    this.#key = key;
    this.count = start.count;
    this.hash = start.hash;
  }

  get isFull(): boolean {
    return this.#checked >= MAX_ENTRIES;
  }

  /** The next entry that is there: every one carries its own proof, so one fault does not hide another. */
  step(row: AuditRow): void {
    const gap = row.sequence - this.count - 1;
    if (gap > 0) this.#missing(this.count + 1, row.sequence - 1);
    const isNext = gap === 0 && !this.#isBroken;
    const before: ChainEnd = { count: row.sequence - 1, hash: row.previous_hash };
    this.#isBroken = !isSameHash(hashEntry(toEntry(row), before, this.#key), row.hash);
    if (this.#isBroken) {
      this.fault('altered', row, 'is not what was written');
    } else if (isNext && !isSameHash(row.previous_hash, this.hash)) {
      this.fault('unchained', row, 'does not follow on the entry before it');
    }
    this.count = row.sequence;
    this.hash = row.hash;
    this.#checked += 1;
  }

  finish(end: ChainEnd | undefined): void {
    this.#isComplete = true;
    const count = end?.count ?? 0;
    if (end === undefined && this.count > 0)
      this.fault('cut', this.count, 'the end of the chain is not there any more');
    else if (count > this.count) this.#missing(this.count + 1, count);
    else if (count < this.count) this.fault('surplus', count + 1, `the chain ends at ${count}, entries go on after it`);
    else if (end !== undefined && !isSameHash(end.hash, this.hash))
      this.fault('cut', count, 'the last entry is not the one that the chain ends with');
  }

  fault(kind: AuditFault['kind'], where: AuditRow | number, message: string): void {
    if (this.#faults.length >= MAX_FAULTS) return;
    const place = typeof where === 'number' ? { sequence: where } : { sequence: where.sequence, id: where.id };
    this.#faults.push({ ...place, kind, message });
  }

  verdict(): AuditVerdict {
    return {
      isIntact: this.#faults.length === 0,
      isComplete: this.#isComplete,
      checked: this.#checked,
      checkpoint: `${this.count}:${Buffer.from(this.hash).toString('base64url')}`,
      faults: this.#faults,
    };
  }

  #missing(first: number, last: number): void {
    this.fault('missing', first, first === last ? 'is missing' : `is missing, with all up to ${last}`);
  }
}

function parseCheckpoint(checkpoint: string): ChainEnd {
  const [, count = '', hash = ''] = CHECKPOINT_PATTERN.exec(checkpoint) ?? [];
  return { count: Number(count), hash: new Uint8Array(Buffer.from(hash, 'base64url')) };
}

function toEntry(row: AuditRow): AuditEntry {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    occurredAt: row.occurred_at,
    action: row.action,
    actor: row.actor,
    resourceType: row.resource_type,
    resourceId: row.resource_id,
    details: row.details,
    changes: row.changes,
    requestId: row.request_id ?? undefined,
    clientIp: row.client_ip ?? undefined,
  };
}
