// The upstream where nginx is not installed, as a process of its own: `node node-upstream.ts <port> <body bytes>`.

import { createServer } from 'node:http';

const [, , port, bodyBytes] = process.argv;
const body = Buffer.alloc(Number(bodyBytes), 'x');
const headers = { 'content-type': 'text/plain', 'content-length': body.length };

createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (_request, response) => {
  response.writeHead(200, headers);
  response.end(body);
}).listen(Number(port), '127.0.0.1');
