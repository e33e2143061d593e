import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { after, before, test } from 'node:test';
import { pino } from 'pino';
import { withPostgresUrl } from '../test/harness/databases.ts';
import { createGateway } from '../test/harness/data-plane.ts';
import { loadSettings, SettingsError } from './config.ts';
import type { GatewayConfig } from './gateway/snapshot.ts';
import { openStore, type Store } from './open-store.ts';

const SHOP = createGateway('http://h', { name: 'shop' });
/** A migration begins by looking for the table of those that were carried out. */
const MIGRATING = 'to_regclass';

withPostgresUrl('a database that goes away while it is migrated', (databaseUrl) => {
  let server: Server;
  let url = '';

  before(async () => {
    const behind = new URL(databaseUrl());
    const { hostname, port } = behind;
    server = createServer((client) => {
      const database = connect(Number(port), hostname);
      for (const socket of [client, database]) socket.on('error', () => undefined);
      client.on('data', (bytes: Buffer) => {
        if (!bytes.includes(MIGRATING)) database.write(bytes);
        else for (const socket of [client, database]) socket.destroy();
      });
      database.pipe(client);
      client.on('close', () => database.destroy());
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    behind.host = `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
    url = behind.href;
  });
  after(() => server.close());

  const open = (lastGood: GatewayConfig[] | undefined): Promise<Store> =>
    openStore({
      settings: loadSettings({ TOLLGATE_DATABASE_URL: url }).settings,
      dataDir: '/nowhere',
      secrets: { hmacSecret: 'h', previousHmacSecret: undefined, encryptionKey: 'e' },
      file: { load: () => lastGood, save: () => undefined, flush: async () => undefined },
      log: pino({ level: 'silent' }),
    });

  test('is away: what was served last is served', async () => {
    const { database, lastGood } = await open([SHOP]);
    assert.deepEqual(lastGood, [SHOP]);
    await database.close();
  });

  test('stops a start that has nothing to serve, in a sentence', async () => {
    await assert.rejects(open(undefined), (error: unknown) => {
      assert.ok(error instanceof SettingsError);
      assert.match(error.faults.join('\n'), /^DATABASE_URL: the database went away while it was made ready: /);
      return true;
    });
  });
});
