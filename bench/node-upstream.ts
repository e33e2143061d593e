// The upstream where nginx is not installed, as a process of its own: `node node-upstream.ts <port>`.

import { createServer } from 'node:http';
import { ROUTES, VARIED } from './routes.ts';

const [, , port] = process.argv;
const answers = new Map(ROUTES.map(({ path, answerBytes }) => [path as string, Buffer.alloc(answerBytes, 'x')]));
const ready = Buffer.alloc(0);

let answered = 0;

createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (request, response) => {
  const { url = '' } = request;
  const body = url === '/ready' ? ready : answers.get(url.slice(url.lastIndexOf('/')));
  request.resume().once('end', () => {
    response.writeHead(body === undefined ? 404 : 200, {
      'content-type': 'text/plain',
      'content-length': body?.length ?? 0,
      ...(url.endsWith(VARIED.path) && { 'x-answer': String(answered++) }),
    });
    response.end(body);
  });
}).listen(Number(port), '127.0.0.1');
