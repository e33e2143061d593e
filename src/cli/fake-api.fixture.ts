// A Tollgate that is none, for tests of commands: it remembers what it was asked and answers what it was told to.

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { after, before } from 'node:test';
import { newKeyText } from '../lib/key-text.ts';
import type { Fault } from '../lib/problem.ts';
import { runCommand } from './run.ts';

export interface Asked {
  readonly method: string;
  /** With its query, below `/api/v1`. */
  readonly path: string;
  readonly body: unknown;
  readonly headers: IncomingMessage['headers'];
}

export interface Told {
  readonly status?: number;
  readonly body?: unknown;
  /** Instead of answering. */
  readonly act?: (request: IncomingMessage, response: ServerResponse) => void;
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export const API_KEY = newKeyText('tg_test').text;

export interface FakeApi {
  readonly url: () => string;
  readonly asked: Asked[];
  /** The answers to come, one after another; the last stays. */
  tell(...answers: Told[]): void;
  /** Runs a command with credentials for this API in its environment, unless told otherwise. */
  run(argv: readonly string[], more?: RunOptions): Promise<Ran>;
  /** A folder of the test's own. */
  readonly folder: () => string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** The input is typed at a terminal. */
  readonly isTTY?: boolean;
  /** What the machine finds wrong with any declaration. */
  readonly faults?: readonly Fault[];
}

/** To be called in a suite: up before its tests, down after them. */
export function fakeApi(): FakeApi {
  let server: Server;
  let folder = '';
  let answers: Told[] = [];
  const asked: Asked[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tollgate-cli-'));
    server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        const { method = '', url = '', headers } = request;
        asked.push({
          method,
          path: url.replace('/api/v1', ''),
          body: text === '' ? undefined : JSON.parse(text),
          headers,
        });
        const told = (answers.length > 1 ? answers.shift() : answers[0]) ?? {};
        if (told.act !== undefined) return told.act(request, response);
        response.writeHead(told.status ?? 200, { 'content-type': 'application/json' });
        response.end(JSON.stringify(told.body ?? { success: true, data: {} }));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  after(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true, force: true });
  });

  const url = (): string => {
    const address = server.address();
    return typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
  };

  return {
    asked,
    url,
    folder: () => folder,
    tell(...given) {
      answers = given;
      asked.length = 0;
    },
    async run(argv, { env, input = '', isTTY = false, faults = [] } = {}) {
      const [stdout, stderr] = [new PassThrough(), new PassThrough()];
      const [out, err] = [collect(stdout), collect(stderr)];
      const stdin = Object.assign(Readable.from(input === '' ? [] : [input]), { isTTY, setRawMode: () => undefined });
      const own = env ?? { TOLLGATE_URL: url(), TOLLGATE_API_KEY: API_KEY };
      const world = {
        env: { XDG_CONFIG_HOME: folder, ...own },
        homeDir: folder,
        stdin,
        stdout,
        stderr,
        checkDeclaration: async () => faults,
      };
      const code = await runCommand(argv, world);
      stdout.end();
      stderr.end();
      return { code, out: await out, err: await err };
    },
  };
}

/** What the API says of a refusal. */
export function problem(status: number, code: string, errors?: { path: string; message: string }[]): Told {
  const body = { title: 'Title', detail: 'What to do.', code, requestId: 'req_1', status, ...(errors && { errors }) };
  return { status, body };
}

async function collect(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}
