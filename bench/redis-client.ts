// One Redis client under the calls that limits make, in a process of its own: the script over six checks, its parameters as the limiter
// writes them. The client is loaded from the folder that is given, where redis-clients.ts has installed it.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { join } from 'node:path';
import { RedisCheckSetMaker } from '../src/limits/redis-checks.ts';
import { TAKE_SCRIPT, TAKE_SCRIPT_SHA1 } from '../src/limits/take-script.ts';
import { toSixChecks } from './limits-checks.ts';
import { callAtPace, type Pace } from './paced.ts';

export interface ClientJob extends Pace {
  readonly client: ClientName;
  readonly folder: string;
  readonly port: number;
}

export const CLIENTS = ['none', '@redis/client', 'redis', 'ioredis', 'bare'] as const;
export type ClientName = (typeof CLIENTS)[number];

interface Client {
  send(command: readonly string[]): Promise<unknown>;
  close(): void;
}

interface NodeRedis {
  readonly createClient: (options: object) => {
    connect(): Promise<unknown>;
    sendCommand(command: readonly string[]): Promise<unknown>;
    destroy(): void;
  };
}

interface IoRedis {
  readonly Redis: new (options: object) => {
    call(name: string, ...rest: readonly string[]): Promise<unknown>;
    disconnect(): void;
  };
}

const CALLERS = 200;
const WARM_UP_SECONDS = 2;

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
      return { send: (command) => node.sendCommand(command), close: () => node.destroy() };
    }
    case 'ioredis': {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the package that was installed for this
      const { Redis } = require(client) as IoRedis;
      const io = new Redis({ host: '127.0.0.1', port, enableAutoPipelining: true });
      return { send: ([name = '', ...rest]) => io.call(name, ...rest), close: () => io.disconnect() };
    }
    case 'bare':
      return openBare(port);
  }
}

/** The least that a client can do: commands of one turn in one write, and lists of numbers read from the text. What a client costs above it is its own. */
function openBare(port: number): Client {
  const socket = connect(port, '127.0.0.1').setNoDelay(true).setEncoding('latin1');
  const waiting: ((reply: unknown) => void)[] = [];
  let out = '';
  let rest = '';
  socket.on('data', (chunk: string) => {
    rest += chunk;
    let at = 0;
    for (;;) {
      const end = endOfReply(rest, at);
      if (end < 0) break;
      waiting.shift()?.(rest.slice(at, end).split('\r\n:').map(Number));
      at = end;
    }
    rest = rest.slice(at);
  });
  return {
    send(command) {
      if (out === '')
        setImmediate(() => {
          socket.write(out);
          out = '';
        });
      out += `*${command.length}\r\n`;
      for (const part of command) out += `$${part.length}\r\n${part}\r\n`;
      return new Promise((resolve) => waiting.push(resolve));
    },
    close: () => socket.destroy(),
  };
}

/** Behind a reply that is a line, a text, or a list of numbers; -1 when not all of it is there. */
function endOfReply(text: string, at: number): number {
  const line = text.indexOf('\r\n', at);
  if (line < 0) return -1;
  const size = Number(text.slice(at + 1, line));
  if (text[at] === '$') return text.length >= line + 4 + size ? line + 4 + size : -1;
  if (text[at] !== '*') return line + 2;
  let end = line + 2;
  for (let i = 0; i < size; i++) {
    const next = text.indexOf('\r\n', end);
    if (next < 0) return -1;
    end = next + 2;
  }
  return end;
}

async function run(job: ClientJob) {
  const client = await open(job);
  await client.send(['SCRIPT', 'LOAD', TAKE_SCRIPT]);
  const maker = new RedisCheckSetMaker('bench:');
  const sets = Array.from({ length: CALLERS }, (_, i) => maker.make('ten_1', toSixChecks(`key:${i}`)));
  const order = { operation: 'take', cost: 1, extra: '' } as const;
  const call = async (index: number): Promise<unknown> =>
    client.send(['EVALSHA', TAKE_SCRIPT_SHA1, ...(sets[index % CALLERS]?.toParameters(order, Date.now(), '') ?? [])]);
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
