import assert from 'node:assert/strict';
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, test } from 'node:test';
import { freePort } from '../../test/harness/free-port.ts';
import { newKeyText } from '../lib/key-text.ts';
import { API_KEY, fakeApi, problem } from './fake-api.fixture.ts';
import { GROUPS } from './groups/index.ts';

const KEY = newKeyText('tg_live').text;

describe('a command', () => {
  const api = fakeApi();
  const list = (data: unknown[], nextCursor: string | null = null) => ({
    body: { success: true, data, meta: { pageSize: 20, total: 41, nextCursor } },
  });

  const requests: [argv: string[], request: string, body?: unknown][] = [
    [['keys', 'list'], 'GET /keys'],
    [
      [
        'keys',
        'list',
        '--status',
        'active',
        '--unused-days=90',
        '--client',
        'cli_1',
        '--sort-by',
        'name',
        '--limit',
        '5',
      ],
      'GET /keys?status=active&clientId=cli_1&unusedDays=90&sortBy=name&limit=5',
    ],
    [['keys', 'get', 'key_1'], 'GET /keys/key_1'],
    [['keys', 'get', '../a b?c'], 'GET /keys/..%2Fa%20b%3Fc'],
    [
      [
        'keys',
        'create',
        '--name',
        'Order import',
        '--scopes',
        'a:read, b:read',
        '--scopes=c:read',
        '--per-minute',
        '60',
      ],
      'POST /keys',
      { name: 'Order import', scopes: ['a:read', 'b:read', 'c:read'], rateLimit: { requestsPerMinute: 60 } },
    ],
    [
      [
        'keys',
        'create',
        '--name=-x',
        '--metadata',
        '{"team":"a"}',
        '--expires-in-days',
        '30',
        '--per-hour=1',
        '--per-day=2',
      ],
      'POST /keys',
      { name: '-x', metadata: { team: 'a' }, expiresInDays: 30, rateLimit: { requestsPerHour: 1, requestsPerDay: 2 } },
    ],
    [
      ['keys', 'update', 'key_1', '--clear', 'owner,expires-at', '--description', 'd'],
      'PUT /keys/key_1',
      { owner: null, expiresAt: null, description: 'd' },
    ],
    [['keys', 'revoke', 'key_1'], 'DELETE /keys/key_1'],
    [['keys', 'rotate', 'key_1', '--grace-days', '7'], 'POST /keys/key_1/rotate', { transitionPeriodDays: 7 }],
    [['keys', 'rotate', 'key_1'], 'POST /keys/key_1/rotate', {}],
    [['clients', 'list', '--tier', 'free', '--email', 'acme'], 'GET /api-clients?rateLimitTier=free&contactEmail=acme'],
    [['clients', 'get', 'cli_1'], 'GET /api-clients/cli_1'],
    [
      [
        'clients',
        'create',
        '--name',
        'Acme',
        '--email',
        'a@b.c',
        '--tier',
        'standard',
        '--redirect-uris',
        'https://a.b/c',
      ],
      'POST /api-clients',
      { name: 'Acme', contactEmail: 'a@b.c', rateLimitTier: 'standard', redirectUris: ['https://a.b/c'] },
    ],
    [['clients', 'update', 'cli_1', '--clear=tier'], 'PUT /api-clients/cli_1', { rateLimitTier: null }],
    [
      ['clients', 'approve', 'cli_1', '--scopes', 'a:read'],
      'POST /clients/cli_1/approve',
      { allowedScopes: ['a:read'] },
    ],
    [['clients', 'suspend', 'cli_1'], 'PUT /api-clients/cli_1', { status: 'suspended' }],
    [['clients', 'resume', 'cli_1'], 'PUT /api-clients/cli_1', { status: 'active' }],
    [['clients', 'dashboard', 'cli_1'], 'GET /api-clients/cli_1/dashboard'],
    [['clients', 'delete', 'cli_1'], 'DELETE /api-clients/cli_1'],
    [['rate-limits', 'status'], 'GET /rate-limits/status'],
    [['rate-limits', 'list'], 'GET /rate-limits'],
    [
      ['rate-limits', 'set-tier', 'gold', '--per-minute', '9', '--burst', '2'],
      'PUT /rate-limits/tiers/gold',
      { requestsPerMinute: 9, burst: 2 },
    ],
    [['rate-limits', 'delete-tier', 'gold'], 'DELETE /rate-limits/tiers/gold'],
    [['rate-limits', 'show-key', 'key_1'], 'GET /rate-limits/keys/key_1'],
    [
      ['rate-limits', 'set-key', 'key_1', '--override', '200'],
      'PUT /rate-limits/keys/key_1',
      { rateLimitOverride: 200 },
    ],
    [['rate-limits', 'clear-key', 'key_1'], 'DELETE /rate-limits/keys/key_1'],
    [['rate-limits', 'show-client', 'cli_1'], 'GET /rate-limits/clients/cli_1'],
    [
      ['rate-limits', 'set-client', 'cli_1', '--per-month', '5'],
      'PUT /rate-limits/clients/cli_1',
      { requestsPerMonth: 5 },
    ],
    [['rate-limits', 'clear-client', 'cli_1'], 'DELETE /rate-limits/clients/cli_1'],
    [['rate-limits', 'show-endpoint', 'ep_1'], 'GET /rate-limits/endpoints/ep_1'],
    [
      ['rate-limits', 'set-endpoint', 'ep_1', '--cost', '3', '--per-client', '{"requestsPerMinute":5}'],
      'PUT /rate-limits/endpoints/ep_1',
      { cost: 3, perClient: { requestsPerMinute: 5 } },
    ],
    [['rate-limits', 'clear-endpoint', 'ep_1'], 'DELETE /rate-limits/endpoints/ep_1'],
    [['rate-limits', 'show-tenant', 'ten_1'], 'GET /rate-limits/tenants/ten_1'],
    [
      ['rate-limits', 'set-tenant', 'ten_1', '--multiplier', '1.5', '--time-zone', 'Europe/Berlin'],
      'PUT /rate-limits/tenants/ten_1',
      { multiplier: 1.5, timeZone: 'Europe/Berlin' },
    ],
    [['rate-limits', 'clear-tenant', 'ten_1'], 'DELETE /rate-limits/tenants/ten_1'],
    [['operators', 'list', '--role', 'SUPPORT'], 'GET /operators?role=SUPPORT'],
    [['operators', 'get', 'usr_1'], 'GET /operators/usr_1'],
    [
      ['operators', 'create', '--name', 'Ada', '--email', 'a@b.c', '--role', 'SUPPORT', '--tenant', 'ten_1'],
      'POST /operators',
      { name: 'Ada', email: 'a@b.c', role: 'SUPPORT', tenantId: 'ten_1' },
    ],
    [['operators', 'update', 'usr_1', '--status', 'suspended'], 'PUT /operators/usr_1', { status: 'suspended' }],
    [['operators', 'delete', 'usr_1'], 'DELETE /operators/usr_1'],
    [['tenants', 'list', '--search', 'ä&b'], 'GET /tenants?search=%C3%A4%26b'],
    [['tenants', 'get', 'ten_1'], 'GET /tenants/ten_1'],
    [['tenants', 'create', '--name', 'Acme', '--slug', 'acme'], 'POST /tenants', { name: 'Acme', slug: 'acme' }],
    [['tenants', 'update', 'ten_1', '--slug', 'b'], 'PUT /tenants/ten_1', { slug: 'b' }],
    [['tenants', 'delete', 'ten_1'], 'DELETE /tenants/ten_1'],
    [
      ['audit', 'list', '--action', 'key.*', '--since', '2026-01-01', '--call', 'req_1'],
      'GET /audit-logs?action=key.*&requestId=req_1&startDate=2026-01-01',
    ],
    [['audit', 'get', 'aud_1'], 'GET /audit-logs/aud_1'],
    [['gateways', 'list', '--status', 'active'], 'GET /gateways?status=active'],
    [['gateways', 'get', 'gw_1'], 'GET /gateways/gw_1'],
    [['gateways', 'update', 'gw_1', '--status', 'maintenance'], 'PUT /gateways/gw_1', { status: 'maintenance' }],
    [['gateways', 'delete', 'gw_1'], 'DELETE /gateways/gw_1'],
    [['gateways', 'deploy', 'gw_1'], 'POST /gateways/gw_1/deploy', {}],
    [['gateways', 'revisions', 'gw_1', '--limit', '5'], 'GET /gateways/gw_1/revisions?limit=5'],
    [['gateways', 'rollback', 'gw_1', '--restore-draft'], 'POST /gateways/gw_1/rollback', { restoreDraft: true }],
  ];
  for (const [argv, request, body] of requests) {
    test(`makes its call: ${argv.join(' ')}`, async () => {
      api.tell({});
      const { code, err } = await api.run(argv);
      const [asked] = api.asked;
      assert.equal(code, 0, err);
      assert.deepEqual([`${asked?.method} ${asked?.path}`, asked?.body], [request, body]);
      assert.equal(asked?.headers['x-api-key'], API_KEY);
    });
  }

  test('of every group is in the table of calls above, or a program of its own', () => {
    const named = new Set(requests.map(([[group, name]]) => `${group} ${name}`));
    const calls = GROUPS.flatMap((group) =>
      group.commands.filter(({ does }) => does.kind === 'call').map(({ name }) => `${group.name} ${name}`),
    );
    assert.deepEqual(
      calls.filter((name) => !named.has(name)),
      [],
    );
  });

  test('prints a list as a table, and where it goes on', async () => {
    api.tell(
      list(
        [
          { id: 'key_1', name: 'a', status: 'active', keyPrefix: 'tg_1' },
          { id: 'key_22', owner: 'x' },
        ],
        'next',
      ),
    );
    const { out, err } = await api.run(['keys', 'list']);
    assert.deepEqual(out.split('\n'), [
      'ID      NAME  OWNER  STATUS  KEY PREFIX  LAST USED AT  EXPIRES AT',
      'key_1   a     -      active  tg_1        -             -',
      'key_22  -     x      -       -           -             -',
      '',
    ]);
    assert.equal(err, '2 of 41; the next: --cursor next, all of them: --all\n');
  });

  test('prints the members of an object as a table with their names', async () => {
    const data = { free: { requestsPerMinute: 30 }, gold: { requestsPerMinute: 60, burst: 10 } };
    api.tell({ body: { success: true, data } });
    assert.deepEqual((await api.run(['rate-limits', 'list'])).out.split('\n'), [
      'NAME  REQUESTS PER MINUTE  REQUESTS PER HOUR  REQUESTS PER DAY  REQUESTS PER MONTH  BURST',
      'free  30                   -                  -                 -                   -',
      'gold  60                   -                  -                 -                   10',
      '',
    ]);
    const limits = { 'key-hour': { limit: 5, used: 2, remaining: 3, resetAt: '2026-03-01T13:00:00.000Z' } };
    api.tell({ body: { success: true, data: { limits } } });
    assert.deepEqual((await api.run(['rate-limits', 'status'])).out.split('\n'), [
      'NAME      LIMIT  USED  REMAINING  RESET AT',
      'key-hour  5      2     3          2026-03-01T13:00:00.000Z',
      '',
    ]);
  });

  test('prints with --json the data of the answer and nothing else', async () => {
    const data = [{ id: 'key_1', metadata: { a: [1, null] } }];
    api.tell(list(data, 'next'));
    const { out } = await api.run(['keys', 'list', '--json']);
    assert.deepEqual(JSON.parse(out), data);
    api.tell(list([]));
    assert.equal((await api.run(['keys', 'list', '--json'])).out, '[]\n');
    assert.deepEqual(await api.run(['keys', 'list']), { code: 0, out: '', err: 'nothing found\n' });
  });

  test('follows every cursor with --all', async () => {
    api.tell(list([{ id: 'key_1' }], 'a b'), list([{ id: 'key_2' }], 'c'), list([{ id: 'key_3' }]));
    const { out } = await api.run(['keys', 'list', '--all', '--json', '--status', 'active']);
    assert.deepEqual(JSON.parse(out), [{ id: 'key_1' }, { id: 'key_2' }, { id: 'key_3' }]);
    assert.deepEqual(
      api.asked.map(({ path }) => path),
      ['', '&cursor=a+b', '&cursor=c'].map((rest) => `/keys?status=active&limit=100${rest}`),
    );
  });

  test('prints one resource field by field, and a new key apart, this once', async () => {
    const data = {
      id: 'key_1',
      rateLimit: { requestsPerDay: 5 },
      scopes: ['a:read'],
      metadata: {},
      apiKey: KEY,
      key: KEY,
    };
    api.tell({ status: 201, body: { success: true, data } });
    const { out } = await api.run(['keys', 'create', '--name', 'x']);
    assert.equal(out.split(KEY).length, 2);
    assert.match(out, /^id {24}key_1\nrateLimit\.requestsPerDay {2}5\nscopes {20}a:read\n/);
    assert.match(out, /shown this once[^\n]*:\n\n {2}tg_live_/);
    api.tell({ body: { success: true, data: { newKey: data, oldKey: { id: 'key_0', status: 'deprecated' } } } });
    const rotated = await api.run(['keys', 'rotate', 'key_0']);
    assert.equal(rotated.out.split(KEY).length, 2);
    api.tell({ status: 201, body: { success: true, data } });
    assert.equal(JSON.parse((await api.run(['keys', 'create', '--name', 'x', '--json'])).out).apiKey, KEY);
  });

  test('lets no text of others steer the terminal', async () => {
    const name = 'a\u001B[2J\u001B]0;x\u0007\nb\u202Ec\u009Bd';
    api.tell(list([{ id: 'key_1', name, owner: 'ü'.repeat(80) }]));
    const { out } = await api.run(['keys', 'list']);
    assert.match(out, /a\\u001b\[2J\\u001b\]0;x\\u0007\\nb\\u202ec\\u009bd {2}ü{59}…/);
    api.tell({ body: { success: true, data: { id: 'key_1', name, metadata: { '\u001B[1m': '\u001B' } } } });
    for (const text of [(await api.run(['keys', 'get', 'key_1'])).out, out])
      assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\u202E]/u);
    api.tell(problem(409, 'x\u001B', [{ path: '\u001B', message: '\u001B' }]));
    assert.doesNotMatch((await api.run(['keys', 'get', 'key_1'])).err.replaceAll('\n', ''), /\p{Cc}/u);
  });

  test('takes the rest of a body from a file, options first', async () => {
    const file = join(api.folder(), 'body.json');
    writeFileSync(file, '{"name":"file","allowedCountries":["DE"],"rateLimit":{"requestsPerDay":9}}');
    api.tell({});
    await api.run(['clients', 'create', '--name', 'option', '--email', 'a@b.c', '--data', file]);
    assert.deepEqual(api.asked[0]?.body, {
      name: 'option',
      contactEmail: 'a@b.c',
      allowedCountries: ['DE'],
      rateLimit: { requestsPerDay: 9 },
    });
    for (const text of ['[1]', '{', '']) {
      writeFileSync(file, text);
      const refused = await api.run(['clients', 'update', 'cli_1', '--data', file]);
      assert.deepEqual([refused.code, /does not hold a JSON object/.test(refused.err)], [2, true]);
    }
    assert.match((await api.run(['clients', 'update', 'cli_1', '--data', '/nowhere'])).err, /cannot be read/);
  });

  const endings: [told: Parameters<typeof api.tell>[0], code: number, says: RegExp][] = [
    [problem(409, 'key_not_active'), 1, /^tollgate: Title: What to do\.\n {2}\(key_not_active, call req_1\)\n$/],
    [
      problem(400, 'invalid_request', [{ path: 'body.name', message: 'must not be empty' }]),
      1,
      /\n {2}body\.name must not be empty\n/,
    ],
    [problem(401, 'invalid_key'), 4, /invalid_key/],
    [problem(403, 'insufficient_scope'), 4, /insufficient_scope/],
    [problem(404, 'not_found'), 5, /not_found/],
    [problem(500, 'internal_error'), 3, /internal_error/],
    [{ status: 502, body: 'Bad Gateway' }, 3, /answered 502, and not like a Tollgate/],
    [{ body: 'hello' }, 3, /does not answer like a Tollgate/],
    [
      { act: (_request, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end() },
      3,
      /sends on/,
    ],
  ];
  for (const [told, code, says] of endings) {
    test(`ends with ${code} and says ${says.source}`, async () => {
      api.tell(told);
      const ran = await api.run(['keys', 'get', 'key_1']);
      assert.deepEqual([ran.code, ran.out], [code, '']);
      assert.match(ran.err, says);
      assert.ok(!ran.err.includes(API_KEY));
    });
  }

  test('prints problems as JSON with --json', async () => {
    api.tell(problem(404, 'not_found'));
    const { code, out, err } = await api.run(['keys', 'get', 'key_1', '--json']);
    assert.deepEqual([code, out, JSON.parse(err).code], [5, '', 'not_found']);
  });

  test('ends with 3 when nobody is there', async () => {
    const env = { TOLLGATE_URL: `http://127.0.0.1:${await freePort()}`, TOLLGATE_API_KEY: API_KEY };
    const { code, err } = await api.run(['keys', 'list'], { env });
    assert.equal(code, 3);
    assert.match(err, /http:\/\/127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED\); is Tollgate running there\?/);
  });

  test('is tried once more when the connection breaks, as the same call', async () => {
    api.tell({ act: (request) => request.socket.destroy() }, { status: 201, body: { data: { id: 'key_1' } } });
    const { code } = await api.run(['keys', 'create', '--name', 'x']);
    const [first, second, ...more] = api.asked.map(({ headers }) => headers['idempotency-key']);
    assert.deepEqual([code, first === second, more.length], [0, true, 0]);
    assert.match(first?.toString() ?? '', /^[0-9a-f-]{36}$/);
    api.tell({ act: (request) => request.socket.destroy() });
    assert.deepEqual([(await api.run(['keys', 'list'])).code, api.asked.length], [3, 2]);
  });

  const wrong: [argv: string[], says: RegExp][] = [
    [['kyes', 'list'], /kyes: there is no such command; did you mean keys\?/],
    [['strat'], /strat: there is no such command; did you mean start\?/],
    [['frobnicate'], /frobnicate: there is no such command; `tollgate help` tells what there is/],
    [['keys', 'lst'], /keys lst: there is no such command; did you mean list\?/],
    [['keys', 'frobnicate'], /there are list, get, create, update, revoke, rotate/],
    [['keys', 'get'], /<id> is missing: the id of the key/],
    [['keys', 'get', 'a', 'b'], /"b" is one word too many/],
    [['keys', 'get', ''], /an empty word is no id/],
    [['keys', 'list', '--statsu', 'x'], /--statsu: there is no such option here; did you mean --status\?\n/],
    [['keys', 'list', '-s', 'x'], /-s: there is no such option here\n/],
    [['keys', 'list', '--status'], /--status needs a value/],
    [['keys', 'list', '--status', '--json'], /--status needs a value; if it is --json, write --status=--json/],
    [['keys', 'list', '--status='], /--status must not be empty/],
    [['keys', 'list', '--all=yes'], /--all takes no value/],
    [['keys', 'list', '--limit', 'ten'], /--limit must be a whole number/],
    [['keys', 'list', '--owner', 'a', '--owner', 'b'], /--owner is given twice/],
    [['keys', 'create'], /--name is missing: What it is for/],
    [['keys', 'create', '--name', 'x', '--metadata', '[]'], /--metadata must be a JSON object/],
    [['keys', 'update', 'key_1'], /nothing to change: name at least one option/],
    [
      ['keys', 'update', 'key_1', '--clear', 'name'],
      /cannot clear "name"; it can clear description, owner, expires-at/,
    ],
  ];
  for (const [argv, says] of wrong) {
    test(`sends nothing and says what is wrong: ${argv.join(' ')}`, async () => {
      api.tell({});
      const { code, out, err } = await api.run(argv);
      assert.deepEqual([code, out, api.asked.length], [2, '', 0]);
      assert.match(err, says);
    });
  }

  test('tells every fault at once', async () => {
    const { err } = await api.run(['keys', 'create', '--limit', '5', '--per-day', 'x', '--owner']);
    assert.deepEqual(err.split('\n').filter((line) => line.startsWith('  --')).length, 4);
  });

  test('refuses a key on the command line, wherever it stands, and does not repeat it', async () => {
    api.tell({});
    for (const argv of [['keys', 'get', KEY], ['keys', 'list', `--search=${KEY}`], ['login', '--key', KEY], [KEY]]) {
      const { code, out, err } = await api.run(argv);
      assert.deepEqual([code, out, api.asked.length], [2, '', 0]);
      assert.match(err, /a key stands on the command line/);
      assert.ok(!err.includes(KEY));
    }
  });

  test('teaches: each has help with usage and examples, and so has its group', async () => {
    for (const group of GROUPS) {
      for (const argv of [[group.name], [group.name, '--help'], [group.name, 'help']]) {
        const { code, out } = await api.run(argv, { env: {} });
        assert.equal(code, 0);
        for (const { name } of group.commands) assert.match(out, new RegExp(`\\n  ${name} +\\w`));
      }
      for (const command of group.commands) {
        const { code, out } = await api.run([group.name, command.name, '--help'], { env: {} });
        assert.equal(code, 0);
        assert.match(out, new RegExp(`\\nUsage:\\n  tollgate ${group.name} ${command.name}`));
        for (const { name } of command.options ?? []) assert.ok(out.includes(`--${name}`), name);
        assert.match(out, /\nExamples:\n {2}# .+\n {2}tollgate /);
        for (const { line } of command.examples)
          assert.match(line, new RegExp(`^(${GROUPS.map(({ name }) => name).join('|')}) `));
      }
    }
  });
});

describe('credentials', () => {
  const api = fakeApi();
  const file = (): string => join(api.folder(), 'tollgate', 'profiles.json');
  const write = (content: unknown, mode = 0o600): void => {
    mkdirSync(join(api.folder(), 'tollgate'), { recursive: true });
    writeFileSync(file(), typeof content === 'string' ? content : JSON.stringify(content));
    chmodSync(file(), mode);
  };
  const profiles = () => ({ profiles: { default: { url: api.url(), apiKey: API_KEY } } });
  beforeEach(() => {
    api.tell({ body: { data: [] } });
    write(profiles());
  });

  test('come from the profile that is named, or from the default one', async () => {
    write({ profiles: { ...profiles().profiles, prod: { url: api.url(), apiKey: 'prod-key' } } });
    await api.run(['keys', 'list'], { env: {} });
    await api.run(['keys', 'list', '--profile', 'prod'], { env: {} });
    await api.run(['keys', 'list'], { env: { TOLLGATE_PROFILE: 'prod' } });
    await api.run(['keys', 'list', '--profile', 'prod'], { env: { TOLLGATE_API_KEY: 'env-key' } });
    assert.deepEqual(
      api.asked.map(({ headers }) => headers['x-api-key']),
      [API_KEY, 'prod-key', 'prod-key', 'prod-key'],
    );
  });

  test('of the environment go before the default profile', async () => {
    await api.run(['keys', 'list'], { env: { TOLLGATE_API_KEY: 'env-key', TOLLGATE_URL: `${api.url()}/` } });
    assert.equal(api.asked[0]?.headers['x-api-key'], 'env-key');
  });

  test('of a profile are sent to no other address', async () => {
    const { code, err } = await api.run(['keys', 'list'], { env: { TOLLGATE_URL: 'http://127.0.0.1:1' } });
    assert.deepEqual([code, api.asked.length], [2, 0]);
    assert.match(err, /the key of profile "default" is for http:\/\/127\.0\.0\.1:\d+ and is sent nowhere else/);
    assert.equal((await api.run(['keys', 'list'], { env: { TOLLGATE_URL: api.url() } })).code, 0);
  });

  for (const mode of [0o644, 0o640, 0o604, 0o660, 0o610]) {
    test(`in a file of mode ${mode.toString(8)} are refused, with the command that mends it`, async () => {
      write(profiles(), mode);
      for (const argv of [['keys', 'list'], ['login'], ['logout']]) {
        const { code, err } = await api.run(argv, { env: {}, input: KEY });
        assert.deepEqual([code, api.asked.length], [2, 0]);
        assert.ok(err.includes(`mode ${mode.toString(8)}`) && err.includes(`run: chmod 600 ${file()}`), err);
      }
    });
  }

  test('behind a link, or in a file that holds anything else, are refused', async () => {
    for (const content of [
      '',
      '[]',
      '{"profiles":[]}',
      '{"profiles":{"default":{"url":"x"}}}',
      '{"profiles":{},"x":1}',
    ]) {
      write(content);
      assert.match((await api.run(['keys', 'list'], { env: {} })).err, /is no file of profiles/);
    }
    const other = join(api.folder(), 'other');
    mkdirSync(join(other, 'tollgate'), { recursive: true });
    symlinkSync(file(), join(other, 'tollgate', 'profiles.json'));
    assert.match((await api.run(['keys', 'list'], { env: { XDG_CONFIG_HOME: other } })).err, /is not a plain file/);
  });

  test('that are not there end with 4 and say how to give them', async () => {
    const env = { XDG_CONFIG_HOME: join(api.folder(), 'nobody') };
    const { code, err } = await api.run(['keys', 'list'], { env });
    assert.deepEqual([code, api.asked.length], [4, 0]);
    assert.match(err, /run `tollgate login`, or set TOLLGATE_API_KEY/);
    const named = await api.run(['keys', 'list', '--profile', 'defualt'], { env: {} });
    assert.deepEqual([named.code, /did you mean default\?/.test(named.err)], [2, true]);
  });

  for (const url of ['ftp://x', 'x', 'http://a:b@c', 'http://c/?x=1', 'http://c/#x']) {
    test(`are sent to no address such as ${url}`, async () => {
      const { code } = await api.run(['keys', 'list'], { env: { TOLLGATE_URL: url, TOLLGATE_API_KEY: API_KEY } });
      assert.equal(code, 2);
    });
  }

  test('are kept by login, tried first, in a file for nobody else', async () => {
    const env = { XDG_CONFIG_HOME: join(api.folder(), 'fresh'), TOLLGATE_URL: api.url() };
    const path = join(env.XDG_CONFIG_HOME, 'tollgate', 'profiles.json');
    const { code, out, err } = await api.run(['login'], { env, input: `${KEY}\nmore\n` });
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /The key works at http.* It is kept in .*profiles\.json as profile "default"\.\n/);
    assert.ok(!out.includes(KEY));
    assert.deepEqual([lstatSync(path).mode & 0o777, lstatSync(join(path, '..')).mode & 0o777], [0o600, 0o700]);
    assert.equal(api.asked[0]?.headers['x-api-key'], KEY);
    await api.run(['login', '--profile', 'two', '--url', `${api.url()}/`], { env, input: 'foreign-key\r\n' });
    const url = api.url();
    assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), {
      profiles: { default: { url, apiKey: KEY }, two: { url, apiKey: 'foreign-key' } },
    });
    const gone = await api.run(['logout'], { env });
    assert.equal(gone.code, 0);
    assert.deepEqual(Object.keys(JSON.parse(readFileSync(path, 'utf8')).profiles), ['two']);
    assert.equal((await api.run(['logout'], { env })).code, 2);
  });

  test('are asked for at a terminal without being shown, and can be corrected there', async () => {
    const env = { XDG_CONFIG_HOME: join(api.folder(), 'terminal'), TOLLGATE_URL: api.url() };
    const typed = await api.run(['login'], { env, input: `wrong${'\u007F'.repeat(5)}${KEY}\r`, isTTY: true });
    assert.equal(typed.code, 0);
    assert.equal(api.asked[0]?.headers['x-api-key'], KEY);
    assert.ok(!`${typed.out}${typed.err}`.includes(KEY.slice(-20)));
    const stopped = await api.run(['login'], { env, input: `${KEY.slice(0, 9)}\u0003`, isTTY: true });
    assert.equal(stopped.code, 2);
  });

  test('are kept by login when they are known but may do little, and not when they are refused or mistyped', async () => {
    const env = { XDG_CONFIG_HOME: join(api.folder(), 'refused'), TOLLGATE_URL: api.url() };
    const path = join(env.XDG_CONFIG_HOME, 'tollgate', 'profiles.json');
    const mistyped = `${KEY.slice(0, -1)}${KEY.endsWith('a') ? 'b' : 'a'}`;
    const cases: [input: string, told: Parameters<typeof api.tell>[0], code: number, isKept: boolean][] = [
      [KEY, problem(401, 'invalid_key'), 4, false],
      [KEY, problem(403, 'address_not_allowed'), 4, false],
      [mistyped, {}, 2, false],
      ['', {}, 2, false],
      ['two words', {}, 2, false],
      [KEY, problem(403, 'insufficient_scope'), 0, true],
    ];
    for (const [input, told, code, isKept] of cases) {
      api.tell(told);
      const ran = await api.run(['login'], { env, input });
      assert.deepEqual([ran.code, existsSync(path)], [code, isKept], ran.err);
      assert.ok(input === '' || !`${ran.out}${ran.err}`.includes(input));
    }
  });

  test('are warned of where they can be read on the way', async () => {
    const env = { TOLLGATE_URL: 'http://gateway.invalid', TOLLGATE_API_KEY: API_KEY };
    assert.match(
      (await api.run(['keys', 'list'], { env })).err,
      /^warning: what is sent to http:\/\/gateway\.invalid can be read/,
    );
    assert.doesNotMatch((await api.run(['keys', 'list'])).err, /warning/);
  });
});
