// What requests feel of a target that is dead: one that refuses connections, and one that lets whoever connects wait for nothing.

import { once } from 'node:events';
import { Agent, createServer, get, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGateway, startDataPlane, type DataPlane } from '../test/harness/data-plane.ts';
import { inMilliseconds, type Figure } from './figures.ts';
import { findFreePort, type Stage } from './stage.ts';

const CONNECT_MS = 2000;
const REQUESTS = 4000;
const WARM_REQUESTS = 200;
const AT_ONCE = 16;
/** For the queue of a listener that accepts nothing to be full. */
const FILLERS = 8;

export async function measureFailover(stage: Stage): Promise<Figure[]> {
  const alive = createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1');
  await once(alive, 'listening');
  const url = `http://127.0.0.1:${portOf(alive)}`;
  try {
    return [
      await measure('refuses connections from the first', [`http://127.0.0.1:${await findFreePort()}`, url]),
      await measureSilent(stage, 'lets connections wait from the first', { url, isWarm: false }),
      await measureSilent(stage, 'lets connections wait from one moment to the next', { url, isWarm: true }),
    ];
  } finally {
    alive.closeAllConnections();
    alive.close();
  }
}

/** `isWarm`: both targets have answered before. */
async function measureSilent(
  stage: Stage,
  how: string,
  { url, isWarm }: { readonly url: string; readonly isWarm: boolean },
): Promise<Figure> {
  const mortal = await startMortal(stage);
  try {
    if (!isWarm) await mortal.fallSilent();
    return await measure(how, [mortal.url, url], isWarm ? mortal.fallSilent : undefined);
  } finally {
    mortal.stop();
  }
}

/** Half of all requests would go to the dead one. */
async function measure(how: string, urls: readonly string[], die?: () => Promise<void>): Promise<Figure> {
  const timeouts = { connectMs: CONNECT_MS };
  const retry = { attempts: 1, statuses: [] };
  const services = [{ name: 'echo', targets: urls.map((url) => ({ url })), stripPrefix: false, timeouts, retry }];
  const dataPlane = await startDataPlane({ gateways: [createGateway('', { services })] });
  try {
    if (die !== undefined) {
      await callMany(dataPlane, WARM_REQUESTS);
      await die();
    }
    const calls = await callMany(dataPlane, REQUESTS);
    const slow = calls.filter(({ ms }) => ms >= CONNECT_MS * 0.9).length;
    const failed = calls.filter(({ status }) => status !== 200).length;
    const longest = Math.max(...calls.map(({ ms }) => ms));
    return {
      what: `requests that waited for a connect timeout of ${CONNECT_MS} ms, of ${REQUESTS}, ${AT_ONCE} at a time, half of them due to a target that ${how} (longest ${inMilliseconds(longest)})`,
      value: `${slow} waited, ${failed} failed`,
      goal: '≤ 1, and 0',
      isMet: slow <= 1 && failed === 0 && longest < CONNECT_MS * 1.5,
    };
  } finally {
    await dataPlane.close();
  }
}

interface Called {
  readonly status: number | undefined;
  readonly ms: number;
}

async function callMany({ port }: DataPlane, count: number): Promise<Called[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const calls: Called[] = [];
  let left = count;
  const work = async (): Promise<void> => {
    while (left-- > 0) {
      const begin = performance.now();
      const status = await call(port, agent);
      calls.push({ status, ms: performance.now() - begin });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  agent.destroy();
  return calls;
}

function call(port: number, agent: Agent): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: '/', agent }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    }).on('error', reject);
  });
}

interface Mortal {
  readonly url: string;
  /** The kernel lets everybody wait from now on; kept connections are closed. */
  readonly fallSilent: () => Promise<void>;
  readonly stop: () => void;
}

const MORTAL = `
  const server = require('node:http').createServer((_, response) => response.end('ok'));
  server.listen({ port: Number(process.argv[1]), host: '127.0.0.1', backlog: 1 });
  process.on('SIGUSR2', () => {
    server.closeAllConnections();
    setImmediate(() => process.kill(process.pid, 'SIGSTOP'));
  });`;

/** A service in a process of its own, that can be stopped: then the kernel fills its queue, and lets everybody after that wait. */
async function startMortal(stage: Stage): Promise<Mortal> {
  const port = await findFreePort();
  const player = stage.start({ file: process.execPath, args: ['-e', MORTAL, String(port)] });
  const fillers: Socket[] = [];
  const pause = (): Promise<void> => sleep(300, undefined, { signal: stage.signal });
  while (!(await isReached(port))) await pause();
  return {
    url: `http://127.0.0.1:${port}`,
    async fallSilent() {
      player.kill('SIGUSR2');
      await pause();
      for (let i = 0; i < FILLERS; i++) fillers.push(connect(port, '127.0.0.1').on('error', () => undefined));
      await pause();
      if (await isReached(port)) throw new Error('the silent target takes connections all the same');
    },
    stop() {
      for (const filler of fillers) filler.destroy();
      player.kill('SIGKILL');
    },
  };
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('A TCP server has a port.');
  return address.port;
}

async function isReached(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(200) });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
