// One run at a time on a machine: two would measure each other.

import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { raiseSession } from './precedence.ts';

/** A socket without a file (Linux's abstract names): it is gone when its process is, however that ends. */
const NAME = '\0tollgate-bench';
const POLL_MS = 500;
const MAX_WAIT_MS = 30 * 60_000;

/** Waits until no other run is under way; the turn lasts until it is given back, and our session goes before all others meanwhile. */
export async function takeTurn(signal: AbortSignal): Promise<() => void> {
  const deadlineMs = performance.now() + MAX_WAIT_MS;
  let turn = await tryTurn();
  if (turn === undefined) console.log('waiting for another run on this machine …');
  while (turn === undefined) {
    if (performance.now() > deadlineMs) throw new Error('Another run on this machine does not end.');
    await sleep(POLL_MS, undefined, { signal });
    turn = await tryTurn();
  }
  const holder = turn;
  const lower = raiseSession();
  return () => {
    lower();
    holder.close();
  };
}

async function tryTurn(): Promise<Server | undefined> {
  const server = createServer((socket) => socket.destroy());
  try {
    await once(server.listen(NAME), 'listening');
    return server;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE') return undefined;
    throw cause;
  }
}
