// The guards without conditions of their own: maintenance, deprecation, security headers.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Static } from 'typebox';
import { createDeps, createExchange, createFakeClock, readProblem, valuesOf } from '../../test/harness/data-plane.ts';
import { localReply, type Reply } from '../gateway/exchange.ts';
import { Fields } from '../gateway/wire/fields.ts';
import { checkSchema } from '../gateway/snapshot.ts';
import { deprecation } from './deprecation.ts';
import { maintenance } from './maintenance.ts';
import { securityHeaders } from './security-headers.ts';

/** What came from an upstream that said this. */
const answer = (upstream: string[] = []): Reply => ({ ...localReply(200, [], undefined), fields: Fields.of(upstream) });

/** What we said beside that, flat. */
const linesOf = ({ lines }: Reply): string[] =>
  lines
    .split('\r\n')
    .flatMap((line) => (line === '' ? [] : [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]));

describe('maintenance', () => {
  test('turns every request away with 503, and says when to come back', () => {
    const reply = maintenance.compile({ retryAfterSeconds: 60 }, createDeps()).onRequest?.(createExchange().exchange);
    assert.ok(reply !== undefined && !(reply instanceof Promise));
    assert.equal(reply.status, 503);
    assert.equal(readProblem(reply)['code'], 'gateway_in_maintenance');
    assert.deepEqual(valuesOf(reply.headers, 'retry-after'), ['60']);
  });

  for (const config of [{}, { retryAfterSeconds: 0 }, { retryAfterSeconds: 1.5 }, { retryAfterSeconds: 1, any: 1 }]) {
    test(`may not be ${JSON.stringify(config)}`, () => {
      assert.notDeepEqual(checkSchema(maintenance.config, config, ''), []);
    });
  }
});

describe('deprecation', () => {
  const clock = createFakeClock();
  const usual: Static<typeof deprecation.config> = {
    deprecatedAtMs: Date.UTC(2026, 0, 1),
    sunsetAtMs: clock.nowMs() + 1,
    successor: '/v2/orders',
    isGoneAfterSunset: false,
  };
  const compile = (differences: Partial<typeof usual> = {}) =>
    deprecation.compile({ ...usual, ...differences }, createDeps([], { clock }));
  const fields = (differences: Partial<typeof usual>, headers: string[] = []): string[] => {
    const reply = answer(headers);
    compile(differences).onResponse?.(createExchange().exchange, reply);
    return linesOf(reply);
  };

  test('is told in the fields that the standards have for it', () => {
    assert.deepEqual(fields({ sunsetAtMs: Date.UTC(2027, 5, 30, 23, 59, 59) }), [
      'deprecation',
      '@1767225600',
      'sunset',
      'Wed, 30 Jun 2027 23:59:59 GMT',
      'link',
      '</v2/orders>; rel="successor-version"',
    ]);
  });

  test('says what is known and no more', () => {
    assert.deepEqual(fields({ sunsetAtMs: null, successor: null }), ['deprecation', '@1767225600']);
    assert.deepEqual(fields({ deprecatedAtMs: null, sunsetAtMs: null, successor: null }), []);
  });

  test('leaves what the upstream says, and cannot be made to say more than an address', () => {
    const said = fields({ successor: '/a>; rel="x", <b' }, ['Deprecation', '@1', 'Sunset', 'x']);
    assert.deepEqual(said, ['link', '</a%3E; rel="x", %3Cb>; rel="successor-version"']);
  });

  test('ends the endpoint with its sunset where that is wanted, and not a millisecond before', () => {
    const { exchange } = createExchange();
    const { sunsetAtMs } = usual;
    assert.equal(compile({ isGoneAfterSunset: true }).onRequest?.(exchange), undefined);
    assert.equal(compile({ sunsetAtMs: clock.nowMs() }).onRequest?.(exchange), undefined);
    assert.equal(compile({ isGoneAfterSunset: true, sunsetAtMs: null }).onRequest?.(exchange), undefined);
    clock.advance(1);
    const reply = compile({ isGoneAfterSunset: true, sunsetAtMs }).onRequest?.(exchange);
    assert.ok(reply !== undefined && !(reply instanceof Promise));
    assert.equal(reply.status, 410);
    assert.equal(readProblem(reply)['code'], 'endpoint_gone');
  });

  for (const differences of [
    { successor: 'a b' },
    { successor: 'a\r\nx: y' },
    { sunsetAtMs: 1.5 },
    { sunsetAtMs: Infinity },
    { deprecatedAtMs: -1 },
    { any: 1 },
  ]) {
    test(`may not have ${JSON.stringify(differences)}`, () => {
      assert.notDeepEqual(checkSchema(deprecation.config, { ...usual, ...differences }, ''), []);
    });
  }
});

describe('security headers', () => {
  const nosniff = { name: 'x-content-type-options', value: 'nosniff', isForTlsOnly: false };
  const sts = { name: 'strict-transport-security', value: 'max-age=63072000', isForTlsOnly: true };

  test('stand on every answer; those of TLS only where there was TLS', () => {
    const policy = securityHeaders.compile({ fields: [nosniff, sts] }, createDeps());
    const forwarded = createExchange({ headers: ['X-Forwarded-Proto', 'https'] }).exchange;
    const believed = createExchange({ headers: ['X-Forwarded-Proto', 'HTTPS'] }).exchange;
    believed.isPeerTrusted = true;
    for (const [exchange, expected] of [
      [createExchange().exchange, [nosniff]],
      [createExchange({ scheme: 'https' }).exchange, [nosniff, sts]],
      [forwarded, [nosniff]],
      [believed, [nosniff, sts]],
    ] as const) {
      const reply = answer();
      policy.onResponse?.(exchange, reply);
      assert.deepEqual(
        linesOf(reply),
        expected.flatMap(({ name, value }) => [name, value]),
      );
    }
  });

  test('give way to what the upstream says', () => {
    const reply = answer(['X-Content-Type-Options', 'other']);
    securityHeaders.compile({ fields: [nosniff] }, createDeps()).onResponse?.(createExchange().exchange, reply);
    assert.equal(reply.lines, '');
  });

  for (const field of [
    { ...nosniff, value: 'a\r\nx: y' },
    { ...nosniff, value: '' },
    { ...nosniff, value: ' a' },
    { ...nosniff, name: 'a b' },
    { name: 'a', value: 'b' },
  ]) {
    test(`may not be ${JSON.stringify(field)}`, () => {
      assert.notDeepEqual(checkSchema(securityHeaders.config, { fields: [field] }, ''), []);
    });
  }
});
