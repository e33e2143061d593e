// The process is killed while its limits are counted in memory, again and again: what was counted before the last save is counted still,
// and what is lost is at most what was counted since.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, it } from 'node:test';
import pg from 'pg';
import { createApi } from '../harness/api.ts';
import { forEachDatabaseUrl, withPostgresUrl } from '../harness/databases.ts';
import { createSandbox, type RunningTollgate, type Sandbox } from '../harness/tollgate.ts';

const KEYS = 20;
const ROUNDS = 4;
const PER_DAY = 100_000;

/** A node with some keys, whatever becomes of it, and how often it was asked. */
class Node {
  readonly #sandbox: Sandbox;
  readonly #databaseUrl: string | undefined;
  #running: RunningTollgate | undefined;
  readonly #keys: string[] = [];
  /** Of each key: the calls that were answered, and those that were sent. */
  readonly answered: number[] = [];
  readonly sent: number[] = [];

  constructor(sandbox: Sandbox, databaseUrl: string | undefined) {
    this.#sandbox = sandbox;
    this.#databaseUrl = databaseUrl;
  }

  async start(): Promise<void> {
    const url = this.#databaseUrl;
    this.#running = await this.#sandbox.start(url === undefined ? {} : { TOLLGATE_DATABASE_URL: url });
    if (this.#keys.length === 0) await this.#makeKeys();
  }

  async #makeKeys(): Promise<void> {
    const { url } = this.#at;
    const setup = await createApi(url).call('POST', '/setup', { name: 'Admin', email: 'admin@example.com' });
    const admin = createApi(url, setup.body.apiKey);
    const rateLimit = { requestsPerDay: PER_DAY };
    const made = Array.from({ length: KEYS }, async (_, i) =>
      admin.call('POST', '/api/v1/keys', { name: `key ${i}`, scopes: ['read:requests'], rateLimit }),
    );
    for (const { body } of await Promise.all(made)) {
      this.#keys.push(body.data.apiKey);
      this.answered.push(0);
      this.sent.push(0);
    }
  }

  /** A call with each key: how often it was used today, this call included. A call that is not answered tells nothing. */
  async use(): Promise<(number | undefined)[]> {
    const calls = this.#keys.map(async (key, i) => {
      this.sent[i] = (this.sent[i] ?? 0) + 1;
      const answer = await createApi(this.#at.url, key)
        .call('GET', '/api/v1/rate-limits/status')
        .catch(() => undefined);
      if (answer === undefined) return undefined;
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      this.answered[i] = (this.answered[i] ?? 0) + 1;
      const used: number = answer.body.data.limits['key-day'].used;
      return used;
    });
    return Promise.all(calls);
  }

  async kill(): Promise<void> {
    await this.#at.kill();
  }

  async stop(): Promise<void> {
    this.#at.signal('SIGTERM');
    assert.equal(await this.#at.ended(), 0);
  }

  get #at(): RunningTollgate {
    return this.#running ?? assert.fail('it was not started');
  }
}

forEachDatabaseUrl('limits in memory', (databaseUrl) => {
  let sandbox: Sandbox;
  before(async () => {
    sandbox = await createSandbox();
  });
  after(() => sandbox.remove());

  it('go on after a kill -9 from what was saved: nothing of that is lost, and nothing is counted twice', async () => {
    const node = new Node(sandbox, databaseUrl());
    await node.start();
    for (let i = 0; i < 3; i++) await node.use();
    // Who ends in peace saves all.
    await node.stop();
    let saved = [...node.answered];
    for (let round = 0; round < ROUNDS; round++) {
      await node.start();
      const sent = [...node.sent];
      const used = await node.use();
      for (const [i, count] of used.entries()) {
        assert.ok((count ?? 0) > (saved[i] ?? 0), `${String(count)} used, ${String(saved[i])} saved`);
        assert.ok((count ?? 0) <= (sent[i] ?? 0) + 1);
      }
      // What this life found was there in its database: every later one finds it, or more.
      saved = used.map((count) => (count ?? 1) - 1);
      const calls = [node.use(), node.use(), node.use()];
      // In the middle of the calls, or behind them.
      await (round % 2 === 0 ? Promise.race(calls) : Promise.all(calls));
      await node.kill();
      await Promise.all(calls);
    }
  });
});

withPostgresUrl('limits in memory', (databaseUrl) => {
  let sandbox: Sandbox;
  before(async () => {
    sandbox = await createSandbox();
  });
  after(() => sandbox.remove());

  it('lose by a kill -9 at most what was counted since the last save', async () => {
    const node = new Node(sandbox, databaseUrl());
    await node.start();
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 3; i++) await node.use();
      const saved = [...node.answered];
      assert.deepEqual(node.sent, saved);
      await until(async () => areIn(saved, await readSaved(databaseUrl())));
      await node.use();
      await node.kill();
      await node.start();
      for (const [i, used] of (await node.use()).entries()) {
        const since = (node.sent[i] ?? 0) - (saved[i] ?? 0) - 1;
        const missing = (node.sent[i] ?? 0) - (used ?? 0);
        assert.ok(missing >= 0 && missing <= since, `${missing} lost of ${since}`);
        // From here on counts what is counted.
        node.sent[i] = used ?? 0;
        node.answered[i] = used ?? 0;
      }
    }
    await node.kill();
  });
});

/** What the counters that were saved have counted, whoever they are of. */
async function readSaved(url: string): Promise<number[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ count: string }>('select count from limit_counters');
    return rows.map(({ count }) => Number(count));
  } finally {
    await client.end();
  }
}

/** Whether each of some counts is among others, as often as it is there. */
function areIn(counts: readonly number[], others: readonly number[]): boolean {
  const left = [...others];
  return counts.every((count) => {
    const at = left.indexOf(count);
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  });
}

/** Waits for the event itself, with no opinion on how long it takes but that it comes. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 3000; tries++) {
    if (await isSo()) return;
    await sleep(20);
  }
  throw new Error('it does not come to that');
}
