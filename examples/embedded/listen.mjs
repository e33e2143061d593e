// A gateway that listens by itself inside this program, with WebSockets, on its own engine.
//
//   tollgate key-file add keys.yaml --name me --scopes orders:read,orders:write
//   node listen.mjs
//   curl http://127.0.0.1:8080/shop/status
//   curl http://127.0.0.1:8080/shop/orders/1 -H "X-API-Key: …"

import { createGateway } from 'tollgate';

const gateway = createGateway({
  config: 'api.yaml',
  keys: 'keys.yaml',
  onRecord: ({ method, path, status, durationMs, keyId = 'nobody' }) =>
    console.log(`${keyId}: ${method} ${path} → ${status} in ${durationMs.toFixed(1)} ms`),
});

const { port } = await gateway.listen({ port: Number(process.env.PORT ?? 8080), host: '127.0.0.1' });
console.log(`listens on http://127.0.0.1:${port}`);

// What the files say now, without a stop; when they are wrong, what was served before goes on.
process.on('SIGHUP', () => void gateway.reload().catch(console.error));
process.on('SIGTERM', () => void gateway.close());
