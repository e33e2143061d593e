// One Redis client under the calls that limits make, in a process of its own: the script over six checks, its parameters as the limiter
// writes them. The client is loaded from the folder that is given, where redis-clients.ts has installed it.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { RedisCheckSetMaker } from '../src/limits/redis-checks.ts';
import { toProgram } from '../src/limits/redis-program.ts';
import type { Command } from '../src/limits/resp.ts';
import { TAKE_SCRIPT, TAKE_SCRIPT_SHA1 } from '../src/limits/take-script.ts';
import { toSixChecks } from './limits-checks.ts';
import { callAtPace, type Pace } from './paced.ts';
import { openLink } from './redis-cost.ts';

export interface ClientJob extends Pace {
  readonly client: ClientName;
  readonly folder: string;
  readonly port: number;
}

export const CLIENTS = ['none', '@redis/client', 'redis', 'ioredis', 'own'] as const;
export type ClientName = (typeof CLIENTS)[number];

interface Client {
  send(command: Command): Promise<unknown>;
  close(): void;
}

interface NodeRedis {
  readonly createClient: (options: object) => {
    connect(): Promise<unknown>;
    sendCommand(command: Command, options: object): Promise<unknown>;
    destroy(): void;
  };
}

interface IoRedis {
  readonly Redis: new (options: object) => {
    callBuffer(name: string | Buffer, ...rest: Command): Promise<unknown>;
    disconnect(): void;
  };
}

const CALLERS = 200;
const WARM_UP_SECONDS = 2;
/** In the protocol, texts begin with a `$`: they are to come as bytes. */
const TEXT = 36;

async function open({ client, folder, port }: ClientJob): Promise<Client> {
  const require = createRequire(join(folder, 'package.json'));
  switch (client) {
    case 'none':
      return { send: async () => undefined, close: () => {} };
    case '@redis/client':
    case 'redis': {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the package that was installed for this
      const { createClient } = require(client) as NodeRedis;
      const options = { disableOfflineQueue: true, commandOptions: { timeout: 0 }, maintNotifications: 'disabled' };
      const node = createClient({ url: `redis://127.0.0.1:${port}`, ...options });
      await node.connect();
      return {
        send: (command) => node.sendCommand(command, { typeMapping: { [TEXT]: Buffer } }),
        close: () => node.destroy(),
      };
    }
    case 'ioredis': {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the package that was installed for this
      const { Redis } = require(client) as IoRedis;
      const io = new Redis({ host: '127.0.0.1', port, enableAutoPipelining: true });
      return { send: ([name = '', ...rest]) => io.callBuffer(name, ...rest), close: () => io.disconnect() };
    }
    case 'own':
      return openOwn(port);
  }
}

/** What limits use for a single server. */
async function openOwn(port: number): Promise<Client> {
  const link = await openLink(`redis://127.0.0.1:${port}`);
  return { send: (command) => link.send(command), close: () => link.destroy() };
}

async function run(job: ClientJob) {
  const client = await open(job);
  await client.send(['SCRIPT', 'LOAD', TAKE_SCRIPT]);
  const maker = new RedisCheckSetMaker('bench:');
  const sets = Array.from({ length: CALLERS }, (_, i) => maker.make('ten_1', toSixChecks(`key:${i}`)));
  const call = async (index: number): Promise<unknown> => {
    const set = sets[index % CALLERS];
    if (set === undefined) throw new Error('no checks');
    const order = { operation: 'take', set, cost: 1, names: '', minute: 0 } as const;
    const { keys, numbers } = toProgram([order], Date.now(), undefined);
    return client.send(['EVALSHA', TAKE_SCRIPT_SHA1, String(keys.length), ...keys, numbers]);
  };
  await callAtPace({ ...job, seconds: WARM_UP_SECONDS }, call);
  const paced = await callAtPace(job, call);
  client.close();
  return paced;
}

if (process.argv[2] === 'run') {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- given by redis-clients.ts
  const job = JSON.parse(readFileSync(0, 'utf8')) as ClientJob;
  process.stdout.write(JSON.stringify(await run(job)));
}
