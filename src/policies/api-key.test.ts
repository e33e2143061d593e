import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { describe, test } from 'node:test';
import { compileSnapshot } from '../gateway/compile.ts';
import type { Exchange, Reply } from '../gateway/exchange.ts';
import type { Plan } from '../gateway/plan.ts';
import type { PolicyDeps } from '../gateway/policy.ts';
import type { Credential, CredentialLookup, Rehash } from '../gateway/ports.ts';
import { checkSchema } from '../gateway/snapshot.ts';
import {
  createDeps,
  createExchange,
  createFakeClock,
  createForeignKey,
  createGateway,
  createKey,
  type FakeKey,
  readProblem,
  valuesOf,
} from '../../test/harness/data-plane.ts';
import { digestOf, toOwnForeignId } from '../lib/foreign-key-text.ts';
import { hashKeyText, newKeyText } from '../lib/key-text.ts';
import { pepperIdOf } from '../lib/pepper.ts';
import { apiKey } from './api-key.ts';

type Result = Reply | undefined | Promise<Reply | undefined>;

interface Run {
  readonly exchange: Exchange;
  readonly result: Result;
}

function run(headers: readonly string[], deps: PolicyDeps, plan?: Plan): Run {
  const { exchange } = createExchange({ headers: [...headers] });
  exchange.plan = plan;
  return { exchange, result: apiKey.compile({}, deps).onRequest?.(exchange) };
}

/** A look-up that remembers nothing, and answers with what it is given. */
function lookup(find: CredentialLookup['find']): Pick<PolicyDeps, 'credentials'> {
  return { credentials: { recall: () => undefined, find } };
}

/** The policy with a look-up that answers when it is told to. */
function runLater(key: FakeKey): Run & { readonly answer: PromiseWithResolvers<Credential | undefined> } {
  const answer = Promise.withResolvers<Credential | undefined>();
  const deps = createDeps(
    [],
    lookup(() => answer.promise),
  );
  return { ...run(['X-API-Key', key.text], deps), answer };
}

function assertRefused({ exchange, result }: Run, code: string): void {
  assert.ok(!(result instanceof Promise) && result !== undefined);
  assert.equal(result.status, 401);
  assert.equal(readProblem(result)['code'], code);
  const told = code === 'missing_credentials' ? '' : ', error="invalid_token"';
  assert.deepEqual(valuesOf(result.headers, 'www-authenticate'), [`Bearer realm="tollgate"${told}`]);
  assert.equal(exchange.principal, undefined);
  assert.equal(exchange.authFailed, true);
  assert.equal(exchange.errorCode, code);
}

describe('a good key', () => {
  const key = createKey();
  const deps = createDeps([key]);
  const spellings: readonly (readonly string[])[] = [
    ['X-API-Key', key.text],
    ['x-api-key', key.text],
    ['X-Api-KEY', key.text],
    ['Authorization', `Bearer ${key.text}`],
    ['authorization', `bearer ${key.text}`],
    ['AUTHORIZATION', `bEaReR ${key.text}`],
    ['Authorization', `Bearer   ${key.text} `],
    // Beside a key, an Authorization is for somebody else.
    ['Authorization', 'Basic dXNlcjpwYXNz', 'X-API-Key', key.text],
    ['X-API-Key', key.text, 'Authorization', 'Bearer of-another-issuer'],
  ];
  for (const headers of spellings) {
    test(`passes as ${headers.join(', ').replace(key.text, '<key>')}`, () => {
      const { exchange, result } = run(headers, deps);
      assert.equal(result, undefined);
      assert.equal(exchange.principal, key.credential.principal);
      assert.equal(exchange.authFailed, false);
    });
  }

  test('passes without a promise when the credential is known', () => {
    const { result } = run(['X-API-Key', key.text], deps);
    assert.ok(!(result instanceof Promise));
  });

  test('passes after a look-up', async () => {
    const { exchange, result, answer } = runLater(key);
    assert.ok(result instanceof Promise);
    assert.equal(exchange.principal, undefined);
    answer.resolve(key.credential);
    assert.equal(await result, undefined);
    assert.equal(exchange.principal, key.credential.principal);
  });

  test('passes until the millisecond before it expires, and is refused from the one in which it does', () => {
    const clock = createFakeClock();
    const expiring = createKey({ expiresAtMs: clock.nowMs() + 1 });
    const clocked = createDeps([expiring], { clock });
    assert.equal(run(['X-API-Key', expiring.text], clocked).result, undefined);
    clock.advance(1);
    assertRefused(run(['X-API-Key', expiring.text], clocked), 'key_expired');
  });
});

describe('the key of a client', () => {
  const clock = createFakeClock();
  const stopped = [
    { client: { status: 'pending', expiresAtMs: undefined }, code: 'client_pending' },
    { client: { status: 'rejected', expiresAtMs: undefined }, code: 'client_rejected' },
    { client: { status: 'suspended', expiresAtMs: undefined }, code: 'client_suspended' },
    { client: { status: 'suspended', expiresAtMs: 0 }, code: 'client_suspended' },
    { client: { status: 'active', expiresAtMs: clock.nowMs() }, code: 'client_expired' },
  ] as const;
  for (const { client, code } of stopped) {
    test(`is refused with 403 ${code} when the client is ${client.status}, expiring at ${client.expiresAtMs}`, () => {
      const key = createKey({ client });
      const { exchange, result } = run(['X-API-Key', key.text], createDeps([key], { clock }));
      assert.ok(!(result instanceof Promise) && result !== undefined);
      assert.deepEqual([result.status, readProblem(result)['code']], [403, code]);
      assert.deepEqual(valuesOf(result.headers, 'www-authenticate'), [], 'another key would not do');
      assert.deepEqual([exchange.principal, exchange.authFailed, exchange.errorCode], [undefined, true, code]);
    });
  }

  test('passes until the millisecond before the client expires', () => {
    const key = createKey({ client: { status: 'active', expiresAtMs: clock.nowMs() + 1 } });
    assert.equal(run(['X-API-Key', key.text], createDeps([key], { clock })).result, undefined);
  });

  test('tells what became of the client to nobody who has not the whole key', () => {
    const key = createKey({ client: { status: 'suspended', expiresAtMs: undefined } });
    const deps = createDeps(
      [],
      lookup(() => key.credential),
    );
    assertRefused(run(['X-API-Key', newKeyText('tg_live').text], deps), 'invalid_key');
  });

  test('that was revoked itself is told so', () => {
    const key = createKey({ status: 'revoked', client: { status: 'suspended', expiresAtMs: undefined } });
    assertRefused(run(['X-API-Key', key.text], createDeps([key])), 'key_revoked');
  });
});

describe('a bad key', () => {
  const key = createKey();
  const revoked = createKey({ status: 'revoked' });
  const both = createKey({ status: 'revoked', expiresAtMs: 0 });
  const deps = createDeps([key, revoked, both]);
  const withOtherSecret = (): string => {
    // As whoever saw a public id would try it: a secret of their own, and a checksum that is right.
    const other = newKeyText('tg_live');
    return other.text;
  };
  const strangers = createDeps(
    [key],
    lookup(() => key.credential),
  );

  const cases: readonly [what: string, headers: readonly string[], code: string][] = [
    ['that is not there', [], 'missing_credentials'],
    ['in another scheme', ['Authorization', `Basic ${key.text}`], 'missing_credentials'],
    ['without a scheme', ['Authorization', key.text], 'missing_credentials'],
    ['in a header of another name', ['X-API-Keys', key.text, 'api-key', key.text], 'missing_credentials'],
    ['that is empty', ['X-API-Key', ''], 'invalid_key'],
    ['that is an empty bearer', ['Authorization', 'Bearer '], 'invalid_key'],
    ['that is malformed', ['X-API-Key', 'secret'], 'invalid_key'],
    ['with one character changed', ['X-API-Key', `${key.text.slice(0, -1)}_`], 'invalid_key'],
    ['with a word behind it', ['Authorization', `Bearer ${key.text} x`], 'invalid_key'],
    ['that nobody knows', ['X-API-Key', newKeyText('tg_live').text], 'invalid_key'],
    ['that was revoked', ['X-API-Key', revoked.text], 'key_revoked'],
    ['that was revoked and has expired', ['X-API-Key', both.text], 'key_revoked'],
    [
      'beside a good one in the other header',
      ['Authorization', `Bearer ${key.text}`, 'X-API-Key', 'bad'],
      'invalid_key',
    ],
    ['before a good one in a second header', ['X-API-Key', 'bad', 'X-API-Key', key.text], 'invalid_key'],
    [
      'in a second Authorization',
      ['Authorization', 'Basic x', 'Authorization', `Bearer ${key.text}`],
      'missing_credentials',
    ],
  ];
  for (const [what, headers, code] of cases) {
    test(`${what} is refused with 401 ${code}`, () => assertRefused(run(headers, deps), code));
  }

  test('with the public id of another and a secret of its own is refused with 401 invalid_key', () => {
    assertRefused(run(['X-API-Key', withOtherSecret()], strangers), 'invalid_key');
  });

  test('does not tell whether a key with its public id was revoked', () => {
    const stolen = createDeps(
      [],
      lookup(() => revoked.credential),
    );
    assertRefused(run(['X-API-Key', withOtherSecret()], stolen), 'invalid_key');
  });

  test('that is malformed is refused without a look-up', () => {
    const asked: string[] = [];
    const counting = createDeps(
      [],
      lookup((publicId) => {
        asked.push(publicId);
        return undefined;
      }),
    );
    for (const text of [
      `${key.text.slice(0, -1)}!`,
      `x${key.text}`,
      'short',
      'with spaces between it all',
      'é'.repeat(20),
    ])
      assertRefused(run(['X-API-Key', text], counting), 'invalid_key');
    assertRefused(run(['X-API-Key', 'x'.repeat(257)], counting), 'invalid_key');
    assert.deepEqual(asked, []);
    run(['X-API-Key', key.text], counting);
    assert.deepEqual(asked, [key.credential.publicId]);
  });

  test('is refused under another pepper', () => {
    const foreign = createDeps([key], { hmacSecret: 'another pepper, of 32 characters and more' });
    assertRefused(run(['X-API-Key', key.text], foreign), 'invalid_key');
  });

  test('that a look-up does not find is refused with 401 invalid_key', async () => {
    const { exchange, result, answer } = runLater(key);
    answer.resolve(undefined);
    assertRefused({ exchange, result: await result }, 'invalid_key');
  });

  test('is not repeated in the answer', () => {
    const { result } = run(['X-API-Key', revoked.text], deps);
    assert.ok(!(result instanceof Promise));
    assert.ok(!JSON.stringify(readProblem(result)).includes(revoked.text));
  });
});

describe('a key whose operator or tenant is suspended', () => {
  for (const suspended of ['operator', 'tenant'] as const) {
    test(`is refused with 403 ${suspended}_suspended, once it has proved itself`, () => {
      const key = createKey({ suspended });
      const { exchange, result } = run(['X-API-Key', key.text], createDeps([key]));
      assert.ok(!(result instanceof Promise) && result !== undefined);
      assert.deepEqual([result.status, readProblem(result)['code']], [403, `${suspended}_suspended`]);
      assert.deepEqual(valuesOf(result.headers, 'www-authenticate'), [], 'another key would not do');
      assert.deepEqual([exchange.principal, exchange.authFailed], [undefined, true]);
      const guessing = createDeps([], { credentials: { recall: () => undefined, find: () => key.credential } });
      assertRefused(run(['X-API-Key', newKeyText('tg_live').text], guessing), 'invalid_key');
    });
  }
});

describe('a good key of another tenant', () => {
  const key = createKey();
  const deps = createDeps([key]);

  test('finds nothing published, in the words of a path at which nothing is', async () => {
    const later = runLater(key);
    later.exchange.plan = planOf({ gatewayId: 'gw_1', tenantId: 'ten_other' });
    later.answer.resolve(key.credential);
    const known = run(['X-API-Key', key.text], deps, planOf({ gatewayId: 'gw_1', tenantId: 'ten_other' }));
    for (const { exchange, result } of [known, { ...later, result: await later.result }]) {
      assert.ok(!(result instanceof Promise) && result !== undefined);
      const { status, code, detail } = readProblem(result);
      assert.deepEqual([status, code], [404, 'route_not_found']);
      assert.equal(detail, `Nothing is published at ${exchange.method} ${exchange.path}.`);
      assert.equal(exchange.principal, undefined, 'and leaves nothing of itself in the record of the other tenant');
    }
  });

  test('passes at its own gateways, and to the management API, which is there for all', () => {
    for (const plan of [
      planOf({ gatewayId: 'gw_1', tenantId: key.credential.principal.tenantId }),
      planOf({ gatewayId: undefined, tenantId: 'ten_of_the_platform' }),
    ]) {
      assert.equal(run(['X-API-Key', key.text], deps, plan).result, undefined);
    }
  });
});

test('a key that cannot be looked up is refused with 503, not with 401 and never let through', async () => {
  const { exchange, result, answer } = runLater(createKey());
  answer.reject(new Error('the database at 10.0.0.1 is away'));
  const reply = await result;
  assert.equal(reply?.status, 503);
  assert.equal(readProblem(reply)['code'], 'credentials_unavailable');
  assert.deepEqual(valuesOf(reply?.headers ?? [], 'retry-after'), ['1']);
  assert.doesNotMatch(JSON.stringify(readProblem(reply)), /database|10\.0/);
  assert.equal(exchange.principal, undefined);
  assert.equal(exchange.authFailed, false, 'the caller did nothing wrong');
});

describe('a rotated key', () => {
  const clock = createFakeClock();
  const key = createKey({ status: 'deprecated', expiresAtMs: clock.nowMs() + 1 });
  const deps = createDeps([key], { clock });

  test('works until its grace is over, and is told from then on to be superseded', () => {
    assert.equal(run(['X-API-Key', key.text], deps).result, undefined);
    clock.advance(1);
    assertRefused(run(['X-API-Key', key.text], deps), 'key_superseded');
  });
});

describe('a key that is bound to addresses', () => {
  const key = createKey({ allowedIps: ['192.0.2.7', '10.0.0.0/8', 'fd00::/8'] });
  const deps = createDeps([key]);
  const from = (clientAddress: string): Run => {
    const { exchange } = createExchange({ headers: ['X-API-Key', key.text], peerAddress: clientAddress });
    return { exchange, result: apiKey.compile({}, deps).onRequest?.(exchange) };
  };

  for (const address of ['192.0.2.7', '10.1.2.3', '::ffff:10.1.2.3', 'fd12::1'])
    test(`works from ${address}`, () => {
      for (let i = 0; i < 3; i++) assert.equal(from(address).result, undefined);
    });

  for (const address of ['192.0.2.8', '11.0.0.1', '::1', 'fe80::1', 'unknown', ''])
    test(`is refused with 403 from ${address || 'nowhere'}`, () => {
      const { exchange, result } = from(address);
      assert.ok(!(result instanceof Promise) && result !== undefined);
      assert.deepEqual([result.status, readProblem(result)['code']], [403, 'address_not_allowed']);
      assert.equal(exchange.principal, undefined);
      assert.equal(exchange.authFailed, true);
    });

  test('tells nobody else that it is: a wrong secret is refused as such from anywhere', () => {
    const stolen = createDeps(
      [],
      lookup(() => key.credential),
    );
    assertRefused(run(['X-API-Key', newKeyText('tg_live').text], stolen), 'invalid_key');
  });
});

describe('a key from elsewhere', () => {
  const text = 'km_p8tb7y54nmx982jfvs37';
  const foreign = createForeignKey(text);
  const deps = createDeps([foreign]);

  test('works in either header, by its digest', () => {
    for (const headers of [
      ['X-API-Key', text],
      ['Authorization', `Bearer ${text}`],
    ]) {
      const { exchange, result } = run(headers, deps);
      assert.equal(result, undefined);
      assert.equal(exchange.principal, foreign.credential.principal);
    }
  });

  const wrong = [`${text}x`, text.slice(0, -1), text.toUpperCase(), digestOf(text), foreign.credential.publicId];
  for (const other of wrong)
    test(`does not work as ${other}`, () => assertRefused(run(['X-API-Key', other], deps), 'invalid_key'));

  describe('that two tenants have taken over', () => {
    const { credential } = foreign;
    const second: FakeKey = {
      text,
      credential: {
        ...credential,
        publicId: toOwnForeignId(credential.publicId, 'ten_second'),
        principal: { ...credential.principal, tenantId: 'ten_second', keyId: 'key_second' },
      },
    };
    const both = createDeps([foreign, second]);
    const gone = createDeps([{ text, credential: { ...credential, status: 'revoked' } }, second]);
    const places: readonly [gatewayId: string | undefined, tenantId: string, keyId: string, given: PolicyDeps][] = [
      ['gw_1', 'ten_of_key', 'key_1', both],
      ['gw_1', 'ten_second', 'key_second', both],
      ['gw_1', 'ten_second', 'key_second', gone],
      ['gw_1', 'ten_second', 'key_second', createDeps([second])],
      [undefined, 'ten_of_the_platform', 'key_1', both],
    ];
    for (const [gatewayId, tenantId, keyId, given] of places) {
      test(`is at ${gatewayId ?? 'the management API'} of ${tenantId} the key ${keyId}`, async () => {
        const plan = planOf({ gatewayId, tenantId });
        const slow = lookup((publicId) => Promise.resolve(given.credentials.recall(publicId, '')));
        for (const ways of [given, given, { ...given, ...slow }]) {
          const { exchange, result } = run(['X-API-Key', text], ways, plan);
          assert.equal(await result, undefined);
          assert.equal(exchange.principal?.keyId, keyId);
        }
      });
    }

    test('is nobody’s at the gateway of a third, nor where its own is revoked', async () => {
      const third = await run(['X-API-Key', text], both, planOf({ gatewayId: 'gw_1', tenantId: 'ten_third' })).result;
      assert.equal(third?.status, 404);
      const own = run(['X-API-Key', text], gone, planOf({ gatewayId: 'gw_1', tenantId: 'ten_of_key' }));
      assertRefused(own, 'key_revoked');
    });
  });

  test('is not proved by another text that has the same half of the digest', () => {
    const colliding = createDeps(
      [],
      lookup(() => foreign.credential),
    );
    assertRefused(run(['X-API-Key', 'another text of some length'], colliding), 'invalid_key');
  });
});

describe('two peppers', () => {
  const OLD = 'the pepper that is going out, of 32 characters';
  const NEW = 'the pepper that is coming in, of 32 characters';
  const made = newKeyText('tg_live');
  const underOld = createKey({
    publicId: made.publicId,
    hash: hashKeyText(made.text, OLD),
    pepper: pepperIdOf(OLD),
  }).credential;

  function runUnder(peppers: Pick<PolicyDeps, 'hmacSecret' | 'previousHmacSecret'>): Run & { rehashes: Rehash[] } {
    const rehashes: Rehash[] = [];
    const rehash = (one: Rehash): void => void rehashes.push(one);
    // As looked up anew: what an earlier test has proved is not remembered.
    const found = { ...underOld };
    const deps = createDeps([{ text: made.text, credential: found }], { rehash, ...peppers });
    const first = run(['X-API-Key', made.text], deps);
    run(['X-API-Key', made.text], deps);
    return { ...first, rehashes };
  }

  test('let a key of the previous one work, and have it hashed anew, once for each look-up', () => {
    const { result, rehashes } = runUnder({ hmacSecret: NEW, previousHmacSecret: OLD });
    assert.equal(result, undefined);
    assert.equal(rehashes.length, 1);
    assert.deepEqual(rehashes[0], {
      publicId: made.publicId,
      was: underOld.hash,
      hash: hashKeyText(made.text, NEW),
      pepper: pepperIdOf(NEW),
    });
  });

  test('leave a key of the current one as it is, also before the exchange', () => {
    for (const previousHmacSecret of [NEW, undefined]) {
      const { result, rehashes } = runUnder({ hmacSecret: OLD, previousHmacSecret });
      assert.equal(result, undefined);
      assert.deepEqual(rehashes, []);
    }
  });

  test('refuse a key of a third, and hash nothing', () => {
    const run1 = runUnder({ hmacSecret: NEW, previousHmacSecret: 'a third pepper, of 32 characters and more' });
    assertRefused(run1, 'invalid_key');
    assert.deepEqual(run1.rehashes, []);
  });

  test('have no wrong key hashed', () => {
    const rehashes: Rehash[] = [];
    const deps = createDeps([], {
      ...lookup(() => ({ ...underOld })),
      rehash: (one) => void rehashes.push(one),
      hmacSecret: NEW,
      previousHmacSecret: OLD,
    });
    assertRefused(run(['X-API-Key', newKeyText('tg_live').text], deps), 'invalid_key');
    assert.deepEqual(rehashes, []);
  });
});

describe('the work for a key that nobody knows', () => {
  test('is that for a wrong one: a look-up and an HMAC', (t) => {
    const known = createKey();
    const work = (find: CredentialLookup['find']): { lookUps: number; hmacs: number } => {
      const hmacs = t.mock.method(crypto, 'createHmac');
      syncBuiltinESMExports();
      const asked = t.mock.fn(find);
      const deps = createDeps([], { credentials: { recall: () => undefined, find: asked } });
      const policy = apiKey.compile({}, deps);
      hmacs.mock.resetCalls();
      const { exchange } = createExchange({ headers: ['X-API-Key', newKeyText('tg_live').text] });
      const result = policy.onRequest?.(exchange);
      assert.ok(!(result instanceof Promise) && result?.status === 401);
      const done = { lookUps: asked.mock.callCount(), hmacs: hmacs.mock.callCount() };
      hmacs.mock.restore();
      syncBuiltinESMExports();
      return done;
    };
    const forUnknown = work(() => undefined);
    const forWrong = work(() => known.credential);
    assert.deepEqual(forUnknown, forWrong);
    assert.deepEqual(forUnknown, { lookUps: 1, hmacs: 1 });
  });
});

describe('the configuration', () => {
  test('is an empty object', () => assert.deepEqual(checkSchema(apiKey.config, {}, 'config'), []));

  const unsound: readonly unknown[] = [undefined, null, [], 'x', { header: 'x-key' }, { required: false }];
  for (const config of unsound) {
    test(`refuses ${JSON.stringify(config)}`, () => {
      assert.notDeepEqual(checkSchema(apiKey.config, config, 'config'), []);
    });
  }
});

function planOf({ gatewayId, tenantId }: Pick<Plan, 'gatewayId' | 'tenantId'>): Plan {
  const gateways = [createGateway('http://127.0.0.1:1', { id: gatewayId ?? null, tenantId })];
  const [plan] = compileSnapshot({ version: 1, gateways }, { ...createDeps(), policies: [], controlToken: '' }).plans;
  assert.ok(plan !== undefined);
  return plan;
}
