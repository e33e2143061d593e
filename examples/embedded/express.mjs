// An Express application with a gateway in it.
//
//   tollgate key-file add keys.yaml --name me --scopes orders:read,orders:write
//   node express.mjs
//   curl http://127.0.0.1:8080/hello
//   curl http://127.0.0.1:8080/shop/orders/1 -H "X-API-Key: …"

import express from 'express';
import { createGateway } from 'tollgate';

const gateway = createGateway({ config: 'api.yaml', keys: 'keys.yaml' });

const app = express();

// Before express.json() and every other reader of bodies: the gateway passes them on as they came. It compares the whole path, as the
// caller sent it, so the prefix here is the routePrefix of the gateway.
app.use('/shop', gateway.handler);

app.use(express.json());
app.get('/hello', (_request, response) => response.json({ hello: 'from Express' }));

const server = app.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  console.log(`listens on http://127.0.0.1:${server.address().port}`);
});
// WebSockets do not come by Express; the gateway takes those of its services.
server.on('upgrade', gateway.upgrade);
process.on('SIGTERM', () => server.close(() => void gateway.close()));
