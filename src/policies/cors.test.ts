import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Static } from 'typebox';
import { createDeps, createExchange, valuesOf } from '../../test/harness/data-plane.ts';
import { localReply, type Reply } from '../gateway/exchange.ts';
import { ACCESS_CONTROL, hasKind } from '../gateway/wire/field-kind.ts';
import { checkSchema } from '../gateway/snapshot.ts';
import { cors } from './cors.ts';
import { createOriginJudge } from '../lib/origins.ts';

type Config = Static<typeof cors.config>;

const USUAL: Config = {
  allowOrigins: ['https://app.test'],
  allowMethods: ['GET', 'POST'],
  allowHeaders: ['content-type', 'x-api-key'],
  exposeHeaders: [],
  allowCredentials: false,
  maxAgeSeconds: 600,
};

/** The answer to a request, ours or one that came from further on. */
function run(differences: Partial<Config>, request: { method?: string; headers: string[] }, answer?: Reply): Reply {
  const policy = cors.compile({ ...USUAL, ...differences }, createDeps());
  const { exchange } = createExchange({ method: request.method ?? 'GET', headers: request.headers });
  const own = policy.onRequest?.(exchange);
  assert.ok(!(own instanceof Promise));
  const reply = own ?? answer ?? localReply(200, [], undefined);
  policy.onResponse?.(exchange, reply);
  return reply;
}

/** All that we say ourselves, flat. */
function ownFields({ headers, lines }: Reply): string[] {
  const said = lines.split('\r\n').filter((line) => line !== '');
  return [...said.flatMap((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]), ...headers];
}

const field = (reply: Reply, name: string): string | undefined => valuesOf(ownFields(reply), name)[0];

describe('a preflight', () => {
  const headers = ['Origin', 'https://app.test', 'Access-Control-Request-Method', 'POST'];

  test('is answered by the gateway with what is allowed', () => {
    const reply = run({}, { method: 'OPTIONS', headers });
    assert.equal(reply.status, 204);
    assert.deepEqual(ownFields(reply), [
      'vary',
      'Origin',
      'access-control-allow-origin',
      'https://app.test',
      'access-control-allow-methods',
      'GET, POST',
      'access-control-allow-headers',
      'content-type, x-api-key',
      'access-control-max-age',
      '600',
    ]);
  });

  test('from another origin is answered without any leave', () => {
    const reply = run({}, { method: 'OPTIONS', headers: headers.with(1, 'https://evil.test') });
    assert.equal(reply.status, 204);
    assert.deepEqual(ownFields(reply), ['vary', 'Origin']);
  });

  test('may ask for any header where all are allowed', () => {
    const asking = [...headers, 'Access-Control-Request-Headers', 'x-one,x-two'];
    const reply = run({ allowHeaders: ['*'] }, { method: 'OPTIONS', headers: asking });
    assert.equal(field(reply, 'access-control-allow-headers'), 'x-one,x-two');
    assert.equal(
      field(run({ allowHeaders: ['*'] }, { method: 'OPTIONS', headers }), 'access-control-allow-headers'),
      undefined,
    );
  });

  test('is not what merely looks like one', () => {
    const others: { method: string; headers: string[] }[] = [
      { method: 'GET', headers },
      { method: 'OPTIONS', headers: headers.slice(0, 2) },
      { method: 'OPTIONS', headers: headers.slice(2) },
    ];
    for (const request of others) assert.equal(run({}, request).status, 200);
  });
});

describe('an answer', () => {
  const request = { headers: ['Origin', 'https://app.test'] };

  test('is marked for its origin, refusals too', () => {
    const reply = run({ exposeHeaders: ['x-request-id'] }, request, localReply(401, [], undefined));
    assert.deepEqual(ownFields(reply), [
      'vary',
      'Origin',
      'access-control-allow-origin',
      'https://app.test',
      'access-control-expose-headers',
      'x-request-id',
    ]);
  });

  test('has none of what the upstream says of it', () => {
    assert.ok(hasKind(run({}, request).drops, ACCESS_CONTROL));
    assert.ok(hasKind(run({}, { headers: [] }).drops, ACCESS_CONTROL));
  });

  test('is not marked for another origin, and for nobody who has none', () => {
    for (const headers of [['Origin', 'https://other.test'], ['Origin', 'null'], []])
      assert.deepEqual(ownFields(run({}, { headers })), ['vary', 'Origin']);
  });

  test('for all is the same for all', () => {
    assert.deepEqual(ownFields(run({ allowOrigins: ['*'] }, request)), ['access-control-allow-origin', '*']);
  });

  test('comes with credentials for origins that are named, and never for those that a star lets in', () => {
    const named = run({ allowCredentials: true }, request);
    assert.equal(field(named, 'access-control-allow-credentials'), 'true');
    const starred = run({ allowOrigins: ['*'], allowCredentials: true }, request);
    assert.deepEqual(ownFields(starred), ['vary', 'Origin', 'access-control-allow-origin', '*']);
  });
});

test('an origin is named by itself or by what it lies below, and nothing that only looks so is', () => {
  const judge = createOriginJudge(['https://App.test', 'https://*.example.com', 'http://*.a.test', 'https://*.a.test']);
  const table: readonly [origin: string, verdict: string][] = [
    ['https://app.test', 'named'],
    ['HTTPS://APP.TEST', 'named'],
    ['https://a.example.com', 'named'],
    ['https://a.b.example.com', 'named'],
    ['https://x.a.test', 'named'],
    ['https://example.com', 'refused'],
    ['https://.example.com', 'refused'],
    ['http://a.example.com', 'refused'],
    ['https://a.example.com:8443', 'refused'],
    ['https://a.example.com.evil.test', 'refused'],
    ['https://evil.test/.example.com', 'refused'],
    ['https://evil.test?.example.com', 'refused'],
    ['https://user@evil.test#.example.com', 'refused'],
    ['https://app.test:444', 'refused'],
    ['null', 'refused'],
    ['', 'refused'],
  ];
  for (const [origin, verdict] of table) assert.equal(judge(origin), verdict, origin);
});

describe('the configuration', () => {
  test('may be the usual one', () => assert.deepEqual(checkSchema(cors.config, USUAL, 'config'), []));
  const unsound: readonly object[] = [
    { allowOrigins: [] },
    { allowOrigins: 'https://app.test' },
    { allowMethods: ['GET\r\nx: y'] },
    { allowHeaders: ['a b'] },
    { exposeHeaders: [''] },
    { allowCredentials: 'true' },
    { maxAgeSeconds: -1 },
    { maxAgeSeconds: 86_401 },
    { any: true },
  ];
  for (const differences of unsound) {
    test(`may not have ${JSON.stringify(differences)}`, () => {
      assert.notDeepEqual(checkSchema(cors.config, { ...USUAL, ...differences }, 'config'), []);
    });
  }
});
