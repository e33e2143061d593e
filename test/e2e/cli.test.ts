// The commands against a whole Tollgate, as a person and a script use them.

import assert from 'node:assert/strict';
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { createApi, type Json } from '../harness/api.ts';
import { forEachDatabaseUrl } from '../harness/databases.ts';
import { createSandbox, type RunningTollgate, type Sandbox } from '../harness/tollgate.ts';

interface Ran {
  readonly code: number | null;
  readonly output: string;
  readonly log: string;
}

forEachDatabaseUrl('the command line', (databaseUrl) => {
  let sandbox: Sandbox;
  let tollgate: RunningTollgate;
  let adminKey = '';
  let key: Json;

  const home = (): Record<string, string> => ({
    HOME: sandbox.dataDir,
    XDG_CONFIG_HOME: join(sandbox.dataDir, 'config'),
  });
  const run = (line: string, env: Record<string, string> = {}, input = ''): Promise<Ran> =>
    sandbox.run(line.split(' '), { ...home(), ...env }, input);
  const json = async (line: string): Promise<Json> => JSON.parse((await run(`${line} --json`)).output);

  before(async () => {
    sandbox = await createSandbox();
    const url = databaseUrl();
    tollgate = await sandbox.start(url === undefined ? {} : { TOLLGATE_DATABASE_URL: url });
    const setup = await createApi(tollgate.url).call('POST', '/setup', { name: 'Ada', email: 'ada@example.com' });
    adminKey = setup.body.apiKey;
  });
  after(() => sandbox.remove());

  it('keeps a key that works, where nobody else can read it, and shows it nowhere', async () => {
    const nobody = await run('keys list');
    assert.deepEqual([nobody.code, nobody.output], [4, '']);
    const made = await run(`login --url ${tollgate.url}`, {}, `${adminKey}\n`);
    assert.deepEqual([made.code, made.log], [0, '']);
    const file = join(sandbox.dataDir, 'config', 'tollgate', 'profiles.json');
    assert.equal(lstatSync(file).mode & 0o777, 0o600);
    assert.equal(JSON.parse(readFileSync(file, 'utf8')).profiles.default.apiKey, adminKey);
    assert.ok(!`${made.output}${made.log}`.includes(adminKey));
  });

  it('makes a key, changes it, and finds it', async () => {
    const made = await run('keys create --name importer --scopes orders:read --per-minute 60');
    assert.equal(made.code, 0, made.log);
    const text = /tg_live_\w{62}/.exec(made.output)?.[0] ?? '';
    const [found] = await json('keys list --search importer');
    key = found;
    assert.deepEqual([key.scopes, key.rateLimit], [['orders:read'], { requestsPerMinute: 60 }]);
    const changed = await json(`keys update ${key.id} --owner Acme --scopes orders:read,orders:write`);
    assert.deepEqual([changed.owner, changed.scopes], ['Acme', ['orders:read', 'orders:write']]);
    const table = await run('keys list');
    assert.match(table.output, /^ID +NAME +OWNER +STATUS/);
    assert.ok(!table.output.includes(text) && table.output.includes(key.keyPrefix));
  });

  it('says what the API refuses, with an exit code for scripts', async () => {
    const refused = await run(`keys create --name x --scopes NOT`);
    assert.deepEqual([refused.code, /body\.scopes\[0\] must be a scope/.test(refused.log)], [1, true]);
    assert.equal((await run('keys get key_none')).code, 5);
    assert.equal((await run('keys list', { TOLLGATE_API_KEY: 'wrong', TOLLGATE_URL: tollgate.url })).code, 4);
    const mistyped = await run('kyes list');
    assert.deepEqual([mistyped.code, /did you mean keys\?/.test(mistyped.log)], [2, true]);
  });

  it('revokes a key', async () => {
    const revoked = await run(`keys revoke ${key.id}`);
    assert.deepEqual([revoked.code, revoked.output], [0, `${key.id} is revoked: it works nowhere any more.\n`]);
    assert.equal((await json(`keys get ${key.id}`)).status, 'revoked');
  });

  it('tells who changed what, and proves it', async () => {
    const entries = await json(`audit list --resource ${key.id} --sort-order asc`);
    assert.deepEqual(
      entries.map(({ action, actor }: Json) => [action, actor.email]),
      ['key.create', 'key.update', 'key.revoke'].map((action) => [action, 'ada@example.com']),
    );
    const entry = await json(`audit get ${entries[1].id}`);
    assert.deepEqual(entry.changes.owner, { after: 'Acme' });
    const verified = await run('audit verify');
    assert.deepEqual([verified.code, verified.log], [0, '']);
    const checkpoint = /checkpoint (\S+)/.exec(verified.output)?.[1] ?? '';
    const again = await json(`audit verify --since ${checkpoint}`);
    assert.deepEqual([again.isIntact, again.checked], [true, 0]);
  });

  it('exports the log, to a file and to standard output', async () => {
    const file = join(sandbox.dataDir, 'changes.csv');
    const written = await run(`audit export --format csv --output ${file}`);
    assert.equal(written.code, 0, written.log);
    assert.ok(existsSync(file));
    const lines = readFileSync(file, 'utf8').trimEnd().split('\r\n');
    const printed = await run('audit export');
    assert.equal(printed.output.trimEnd().split('\n').length, lines.length - 1);
    assert.ok(!`${printed.output}${lines.join('')}`.includes(adminKey));
  });

  it('changes nothing twice over HTTP either: ETag, If-Match and Idempotency-Key pass through the gateway', async () => {
    const api = createApi(tollgate.url, adminKey);
    const headers = { 'idempotency-key': 'e2e' };
    const first = await api.call('POST', '/api/v1/keys', { name: 'once' }, headers);
    const again = await api.call('POST', '/api/v1/keys', { name: 'once' }, headers);
    assert.deepEqual([again.body, again.headers.get('idempotent-replayed')], [first.body, 'true']);
    const path = `/api/v1/keys/${first.body.data.id}`;
    const etag = (await api.call('GET', path)).headers.get('etag') ?? '';
    assert.equal(etag, first.headers.get('etag'));
    const same = await api.call('GET', path, undefined, { 'if-none-match': etag });
    assert.deepEqual([same.status, same.body], [304, '']);
    assert.equal((await api.call('PUT', path, { name: 'twice' }, { 'if-match': etag })).status, 200);
    assert.equal((await api.call('PUT', path, { name: 'thrice' }, { 'if-match': etag })).status, 412);
  });
});
