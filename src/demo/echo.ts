// The upstream of the quick start: tells back what reached it. Loopback only.

import { createServer, type IncomingMessage, type Server } from 'node:http';

const MAX_BODY_BYTES = 65_536;

/** Resolves when the service listens; rejects when it cannot. */
export function startEcho(port: number): Promise<Server> {
  const server = createServer((request, response) => {
    readBody(request).then(
      (body) => {
        const { method, url: path, headers } = request;
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(`${JSON.stringify({ method, path, headers, body }, null, 2)}\n`);
      },
      () => response.destroy(),
    );
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) {
    if (body.length < MAX_BODY_BYTES) body += String(chunk);
  }
  return body.slice(0, MAX_BODY_BYTES);
}
