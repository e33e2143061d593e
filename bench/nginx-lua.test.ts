// The peer is only worth measuring beside when it does the work: it is run, where nginx with Lua is installed.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Stoppable } from './contestant.ts';
import { startLuaNginx, toKeysFile, type GateKey } from './nginx-lua.ts';
import { KEYED } from './routes.ts';
import { openStage } from './stage.ts';
import { findTools } from './tools.ts';
import { startUpstream } from './upstream.ts';

const { tools } = findTools(process.env);
const file = tools?.nginx;
const modules = tools?.luaModules;
const skip = file === undefined || modules === undefined ? 'nginx with Lua is not installed' : false;

/** One for each attempt, should the end of a minute fall into one. */
const ATTEMPTS = [0, 1, 2];
const WIDE = ATTEMPTS.map((i) => ({ id: `wide-${i}`, text: `tg_live_wide_${i}`, requestsPerMinute: 1000 }));
const TIGHT = ATTEMPTS.map((i) => ({ id: `tight-${i}`, text: `tg_live_tight_${i}`, requestsPerMinute: 2 }));
const [KEY = '', ...OTHERS] = [...WIDE, ...TIGHT].map(({ text }) => text);

interface Gate extends Stoppable {
  readonly log: string;
}

async function startGate(t: TestContext): Promise<Gate> {
  assert.ok(file !== undefined && modules !== undefined);
  const stage = await openStage(t.signal);
  t.after(() => stage.close());
  const { origin: upstream } = await startUpstream(stage, { nginx: file, core: 0 });
  const log = join(stage.folder, 'records.log');
  const gate = await startLuaNginx(stage, { file, modules, core: 0, upstream, keys: [...WIDE, ...TIGHT], log });
  return { ...gate, log };
}

function call(gate: Gate, key?: string): Promise<Response> {
  return fetch(`${gate.origin}${KEYED}/answer-100`, { headers: key === undefined ? {} : { 'X-API-Key': key } });
}

/** Calls in a row that no end of a minute splits, with the first of the keys for which that holds. */
async function callInOneMinute(gate: Gate, keys: readonly GateKey[], count: number): Promise<readonly Response[]> {
  for (const { text } of keys) {
    const minute = Math.floor(Date.now() / 60_000);
    const responses: Response[] = [];
    while (responses.length < count) responses.push(await call(gate, text));
    if (Math.floor(Date.now() / 60_000) === minute) return responses;
  }
  throw new Error('Every attempt took a minute.');
}

test('the file of keys holds digests, and no text of a key', () => {
  const lua = toKeysFile([...WIDE, ...TIGHT]);
  assert.deepEqual(
    [KEY, ...OTHERS].filter((text) => lua.includes(text)),
    [],
  );
  assert.match(
    lua,
    /digest = "[0-9a-f]{64}", id = "tight-0", windows = \{\s+\{ name = "minute", seconds = 60, limit = 2 \}/,
  );
  assert.throws(() => toKeysFile([{ id: '" }', text: KEY, requestsPerMinute: 1 }]), /not an id/);
});

test('nginx with Lua refuses a missing, wrong or half key', { skip }, async (t) => {
  const gate = await startGate(t);
  for (const key of [undefined, '', 'wrong', KEY.slice(0, -1), `${KEY}x`]) {
    const response = await call(gate, key);
    assert.equal(response.status, 401, `with the key ${key}`);
    assert.equal(response.headers.has('www-authenticate'), true);
    assert.equal(response.headers.has('x-ratelimit-limit'), false);
  }
});

test(
  'nginx with Lua gives a known key the answer, with limits that count down and a request id',
  { skip },
  async (t) => {
    const gate = await startGate(t);
    const [first, second] = await callInOneMinute(gate, WIDE, 2);
    assert.ok(first !== undefined && second !== undefined);
    assert.equal(first.status, 200);
    assert.equal(await first.text(), 'x'.repeat(100));
    assert.equal(first.headers.get('x-ratelimit-limit'), '1000');
    assert.equal(first.headers.get('x-ratelimit-remaining'), '999');
    assert.equal(second.headers.get('x-ratelimit-remaining'), '998');
    assert.match(first.headers.get('x-ratelimit-reset') ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:00\.000Z$/);
    assert.equal(
      first.headers.get('ratelimit-policy'),
      '"key-minute";q=1000;w=60, "key-hour";q=1000000000;w=3600, "key-day";q=1000000000;w=86400',
    );
    assert.match(
      first.headers.get('ratelimit') ?? '',
      /^"key-minute";r=999;t=\d+, "key-hour";r=999999999;t=\d+, "key-day";r=999999999;t=\d+$/,
    );
    assert.match(first.headers.get('x-request-id') ?? '', /^[0-9a-f]{32}$/);
    assert.notEqual(first.headers.get('x-request-id'), second.headers.get('x-request-id'));
  },
);

test('nginx with Lua refuses where a limit is used up, and what it refuses counts nowhere', { skip }, async (t) => {
  const gate = await startGate(t);
  const responses = await callInOneMinute(gate, TIGHT, 5);
  assert.deepEqual(
    responses.map(({ status }) => status),
    [200, 200, 429, 429, 429],
  );
  const headers = responses.at(-1)?.headers;
  assert.match(headers?.get('retry-after') ?? '', /^\d+$/);
  assert.equal(headers?.get('x-ratelimit-remaining'), '0');
  assert.match(headers?.get('ratelimit') ?? '', /"key-minute";r=0;t=\d+, "key-hour";r=999999998;/);
  assert.equal((await call(gate, KEY)).status, 200);
});

test('nginx with Lua leaves a record of every call, with its id, key and status', { skip }, async (t) => {
  const gate = await startGate(t);
  const ids = [];
  for (const key of [KEY, 'wrong']) ids.push((await call(gate, key)).headers.get('x-request-id'));
  await gate.stop(); // It writes what it holds back.
  const lines = (await readFile(gate.log, 'utf8')).trim().split('\n');
  const records = lines.map((line): Record<string, unknown> => JSON.parse(line));
  assert.deepEqual(
    records.map(({ id, key, status }) => ({ id, key, status })),
    [
      { id: ids[0], key: 'wide-0', status: 200 },
      { id: ids[1], key: '', status: 401 },
    ],
  );
});
