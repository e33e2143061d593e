import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STRICT_PATHS } from '../../gateway/route-path.ts';
import { policies } from '../../policies/index.ts';
import { OPERATIONS } from '../operations.ts';
import { managementGateway } from '../publish/management.ts';
import { checkDeclaration } from './check-declaration.ts';

const SURROUNDINGS = {
  policies,
  management: managementGateway({ operations: OPERATIONS, socketPath: '/x', validationsPerMinute: 1 }),
  paths: STRICT_PATHS,
  privateTargets: 'allow',
} as const;

const SERVICE = { name: 'orders', targets: [{ url: 'http://127.0.0.1:9000' }] };
const faults = (document: unknown): string[] =>
  checkDeclaration(document, SURROUNDINGS).faults.map(({ path, message }) => `${path}: ${message}`);

test('a sound declaration has no faults, and is known as the data plane reads it', () => {
  const endpoints = [{ method: 'GET', path: '/a', deprecated: true }];
  const checked = checkDeclaration({ gateways: [{ name: 'a', upstreamServices: [SERVICE], endpoints }] }, SURROUNDINGS);
  assert.deepEqual(checked.faults, []);
  assert.equal(checked.configs[0]?.endpoints[0]?.path, '/a');
});

test('is refused with every fault of its form, and with the name that was meant', () => {
  assert.deepEqual(faults({ gateways: [{ name: 'a', enpoints: [] }, { upstreamServices: {} }] }), [
    'gateways[0].enpoints: is not known here; did you mean endpoints?',
    'gateways[1].name: is required',
    'gateways[1].upstreamServices: must be a list',
  ]);
  for (const nothing of [null, [], 'x', 7, undefined]) assert.ok(faults(nothing).length > 0);
});

test('is refused with every fault of its meaning', () => {
  const shop = {
    name: 'shop',
    upstreamServices: [SERVICE, { ...SERVICE, name: 'files' }],
    endpoints: [
      { method: 'GET', path: '/a' },
      { method: 'GET', path: '/b', service: 'nowhere' },
      { method: 'GET', path: '/c', upstreamUrl: 'http://169.254.169.254' },
    ],
  };
  const root = {
    name: 'root',
    routePrefix: '/',
    upstreamServices: [SERVICE],
    endpoints: [
      { method: 'GET', path: '/health' },
      { method: 'GET', path: '/shop/c' },
    ],
  };
  assert.deepEqual(faults({ gateways: [shop, root] }), [
    'gateways[0].endpoints[0].service: GET /a: name one of orders, files',
    "gateways[0].endpoints[2].upstreamUrl: GET /c: must not lead to 169.254.169.254: it is link-local, a metadata service, or nobody's address",
    'gateways[0].endpoints[1].service: GET /b: there is no service "nowhere" in this gateway',
    'gateways[1].endpoints[0].path: GET /health would shadow a route of the management API; choose another prefix',
    'gateways[1].endpoints[1].path: GET /shop/c is published by gateway "shop" already',
  ]);
});

test('is refused with every fault of its meaning at once, and with each of them once', () => {
  const rewritten = { ...SERVICE, pathRewrite: { '[': '/' }, headers: { Host: 'x' } };
  const endpoints = [
    { method: 'GET', path: '/a', rateLimit: { requestsPerMinute: 1, burst: 5 }, service: 'nowhere' },
    { method: 'GET', path: '/b' },
    { method: 'GET', path: '/b' },
    { method: 'GET', path: '/c/{id}/{id}' },
    { method: 'GET', path: '/d', upstreamUrl: 'http://169.254.169.254' },
  ];
  const root = { name: 'root', routePrefix: '/', upstreamServices: [SERVICE] };
  const told = faults({
    gateways: [
      { name: 'shop', upstreamServices: [rewritten], endpoints },
      { ...root, endpoints: [{ method: 'GET', path: '/health' }] },
      { name: 'bare', routePrefix: '/shop', endpoints: [{ method: 'GET', path: '/b' }] },
      {
        name: 'two',
        upstreamServices: [SERVICE, { ...SERVICE, name: 'b' }],
        endpoints: [{ method: 'GET', path: '/' }],
      },
    ],
  });
  assert.deepEqual(told.map((fault) => fault.slice(0, fault.indexOf(': '))).toSorted(), [
    'gateways[0].endpoints[0].service',
    'gateways[0].endpoints[2].path',
    'gateways[0].endpoints[3].path',
    'gateways[0].endpoints[4].upstreamUrl',
    'gateways[0].upstreamServices[0].headers["Host"]',
    'gateways[0].upstreamServices[0].pathRewrite["["]',
    'gateways[1].endpoints[0].path',
    'gateways[2].endpoints[0].path',
    'gateways[2].endpoints[0].service',
    'gateways[3].endpoints[0].service',
  ]);
});
