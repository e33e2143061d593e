// Many connections that have made one request each, and then wait.

import { connect, type Socket } from 'node:net';

const GOOD = 'HTTP/1.1 200 ';
const AT_A_TIME = 50;
const ANSWER_TIMEOUT_MS = 10_000;

export interface IdlePlan {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Of the answer's body. */
  readonly answerBytes: number;
  readonly signal: AbortSignal;
}

export interface IdleConnections {
  /** Opens more, until there are so many. */
  readonly grow: (count: number) => Promise<void>;
  readonly close: () => void;
}

export function openIdleConnections(plan: IdlePlan): IdleConnections {
  const { host, port, hostname, pathname } = new URL(plan.url);
  const fields = Object.entries({ Host: host, ...plan.headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  const request = `GET ${pathname} HTTP/1.1\r\n${fields.join('')}\r\n`;
  const sockets: Socket[] = [];
  let broken = 0;

  const open = async (): Promise<void> => {
    const socket = connect(Number(port), hostname);
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => broken++);
    socket.write(request);
    await readAnswer(socket, plan);
  };
  return {
    async grow(count) {
      while (sockets.length < count) {
        plan.signal.throwIfAborted();
        await Promise.all(Array.from({ length: Math.min(AT_A_TIME, count - sockets.length) }, open));
      }
      if (broken > 0) throw new Error(`${broken} of ${count} idle connections were closed`);
    },
    close() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function readAnswer(socket: Socket, { answerBytes, signal }: IdlePlan): Promise<void> {
  const answer = await new Promise<string>((resolve, reject) => {
    let text = '';
    const read = (bytes: Buffer): void => {
      text += bytes.toString('latin1');
      if (isComplete(text, answerBytes)) end();
    };
    const end = (): void => {
      socket.off('data', read).off('close', end).setTimeout(0);
      signal.removeEventListener('abort', end);
      resolve(text);
    };
    socket.on('data', read).once('close', end);
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => reject(new Error('an idle connection was not answered')));
    signal.addEventListener('abort', end, { once: true });
  });
  signal.throwIfAborted();
  if (!isComplete(answer, answerBytes) || !answer.startsWith(GOOD))
    throw new Error(`an idle connection was answered with ${answer.slice(0, 300)}`);
  socket.resume(); // Whatever else comes is not kept.
}

function isComplete(answer: string, answerBytes: number): boolean {
  const headEnd = answer.indexOf('\r\n\r\n');
  if (headEnd < 0) return false;
  return !answer.startsWith(GOOD) || answer.length >= headEnd + 4 + answerBytes;
}
