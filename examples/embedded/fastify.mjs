// A Fastify application with a gateway in it.
//
//   tollgate key-file add keys.yaml --name me --scopes orders:read,orders:write
//   node fastify.mjs
//   curl http://127.0.0.1:8080/hello
//   curl http://127.0.0.1:8080/shop/orders/1 -H "X-API-Key: …"

import fastify from 'fastify';
import { createGateway } from 'tollgate';

const gateway = createGateway({ config: 'api.yaml', keys: 'keys.yaml' });

const app = fastify();

// In onRequest, which comes before Fastify reads bodies. After hijack(), the answer is the gateway's.
app.all('/shop/*', {
  onRequest: (request, reply) => {
    reply.hijack();
    gateway.handler(request.raw, reply.raw);
  },
  handler: () => {},
});

// WebSockets do not come by Fastify's routes; the gateway takes those of its services.
app.server.on('upgrade', gateway.upgrade);

app.get('/hello', () => ({ hello: 'from Fastify' }));

const address = await app.listen({ port: Number(process.env.PORT ?? 8080), host: '127.0.0.1' });
console.log(`listens on ${address}`);
process.on('SIGTERM', () => void app.close().then(() => gateway.close()));
