import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { test, type TestContext } from 'node:test';
import { GET, type LoadCase } from './cases.ts';
import { checkContestant } from './check.ts';
import type { Contestant } from './contestant.ts';
import { KEYED, OPEN } from './routes.ts';

const KEY = 'good';
const TIGHT = 'tight';
const CASE: LoadCase = { name: 'get', what: '', load: 'http1', request: GET, hasGoal: true };

type Answer = (key: string | undefined, response: ServerResponse) => void;

const good: Answer = (key, response) =>
  void response.setHeader('x-ratelimit-limit', '1').end(key === undefined ? '' : 'x'.repeat(100));
const refuse = (response: ServerResponse, status: number): void => void response.writeHead(status).end();

async function check(t: TestContext, prefix: string, answer: Answer): Promise<void> {
  const server = createServer((request: IncomingMessage, response) => {
    const key = request.headers['x-api-key'];
    answer(typeof key === 'string' ? key : undefined, response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const contestant: Contestant = {
    name: 'somebody',
    work: '',
    origin: `http://127.0.0.1:${address.port}`,
    prefix,
    headers: prefix === KEYED ? { 'X-API-Key': KEY } : {},
    pid: 0,
    carriesRequests: () => true,
  };
  await checkContestant(contestant, CASE, { tightKey: TIGHT, certificate: '' });
}

/** Lets the key in, and the tight one once. */
function createGate(): Answer {
  let tightCalls = 0;
  return (key, response) => {
    if (key !== KEY && key !== TIGHT) refuse(response, 401);
    else if (key === TIGHT && ++tightCalls > 1) response.writeHead(429, { 'retry-after': '1' }).end();
    else good(key, response);
  };
}

test('whoever gives the whole answer takes part, and whoever takes keys if it refuses others and holds a limit', async (t) => {
  await check(t, OPEN, (_, response) => void response.end('x'.repeat(100)));
  await check(t, KEYED, createGate());
});

test('whoever does not do the work is not measured', async (t) => {
  const gate = createGate();
  const cases: readonly (readonly [string, Answer, RegExp])[] = [
    [OPEN, (_, response) => refuse(response, 502), /somebody answers: 502/],
    [OPEN, (_, response) => void response.end('x'.repeat(99)), /somebody answers: 200/],
    [OPEN, (_, response) => good(KEY, response), /with limit headers/],
    [KEYED, (_, response) => void response.end('x'.repeat(100)), /without limit headers/],
    [KEYED, (_, response) => good(KEY, response), /lets anybody in/],
    [KEYED, (key, response) => (key === undefined ? refuse(response, 401) : good(key, response)), /lets anybody in/],
    [
      KEYED,
      (key, response) => (key === KEY || key === TIGHT ? good(key, response) : refuse(response, 401)),
      /does not hold a limit/,
    ],
    [KEYED, (key, response) => (key === TIGHT ? refuse(response, 429) : gate(key, response)), /does not hold a limit/],
  ];
  for (const [prefix, answer, message] of cases) await assert.rejects(check(t, prefix, answer), message);
});
