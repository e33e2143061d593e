// One server in a sandbox, on a free port of the loopback interface.

import { createServer } from 'node:net';
import { once } from 'node:events';
import type { Sandbox } from './sandbox.ts';

export interface ServerPlan {
  readonly name: string;
  readonly file: string;
  readonly toArgs: (port: number) => readonly string[];
}

const START_TIMEOUT_MS = 30_000;
/** Somebody else may take the port between our finding it and the server's binding it. */
const MAX_ATTEMPTS = 3;

/**
 * The port on which it answers. Its own log is believed, not a probe of the port, behind which somebody else might answer;
 * PostgreSQL and Redis happen to use the same words.
 */
export async function startServer(sandbox: Sandbox, plan: ServerPlan): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const port = await findFreePort();
    const server = sandbox.start(plan.file, plan.toArgs(port));
    const outcome = await server.waitForLog(/ready to accept connections/i, START_TIMEOUT_MS);
    if (outcome === 'found') return port;
    const isPortTaken = outcome === 'exited' && /address already in use/i.test(server.logTail());
    if (isPortTaken && attempt < MAX_ATTEMPTS) continue;
    const what =
      outcome === 'exited'
        ? `ended at its start (${await server.exit})`
        : `was not ready after ${START_TIMEOUT_MS / 1000} s`;
    throw new Error(`${plan.name} (${plan.file}) ${what}. The end of its log:\n${server.logTail()}`);
  }
}

async function findFreePort(): Promise<number> {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const address = holder.address();
  holder.close();
  await once(holder, 'close');
  if (address === null || typeof address === 'string') throw new Error('A TCP server has a port.');
  return address.port;
}
