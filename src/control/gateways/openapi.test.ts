import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import {
  createTestControl,
  keyPrincipal,
  operatorPrincipal,
  type Answered,
  type TestControl,
} from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { declarationFaults } from './declaration-faults.ts';
import { isMap, readOpenApi, resolve, type Json } from './openapi-document.ts';
import { convertOpenApi } from './openapi-import.ts';

const PETS = `
openapi: 3.0.3
info: { title: Pet Store, version: 1.2.0, description: Pets., contact: { name: x } }
servers:
  - url: https://{region}.pets.example.com/v1/
    variables: { region: { default: eu } }
  - url: https://backup.example.com
security:
  - oauth: ['pets:read', 'https://example.com/scopes/all']
tags: [{ name: pets, description: All about pets }]
paths:
  /pets:
    parameters: [{ $ref: '#/components/parameters/Limit' }]
    get: { operationId: listPets, summary: All pets, tags: [pets], responses: { '200': { $ref: '#/components/responses/Pets' } } }
    post:
      operationId: addPet
      security: [{ oauth: ['pets:write'] }, { key: [] }]
      requestBody: { content: {} }
      callbacks: { x: {} }
      x-codegen: 1
      responses: {}
  /pets/{pet-id}:
    summary: A pet
    get: { deprecated: true, x-sunset: '2030-01-31', security: [], responses: {} }
    trace: { responses: {} }
    delete: { security: [{}, { key: [] }], responses: {} }
  /pets/{other}:
    get: { responses: {} }
  /report.{format}:
    get: { responses: {} }
  /pets/{id}:adopt:
    post: { responses: {} }
  /shared: { $ref: '#/components/pathItems/Shared' }
  /elsewhere: { $ref: 'other.yaml#/paths/x' }
  /circle: { $ref: '#/components/pathItems/Circle' }
  /files:
    servers: [{ url: 'https://files.example.com' }]
    get: { security: [{ basic: [] }], responses: {} }
  x-internal: {}
webhooks: { x: {} }
components:
  parameters: { Limit: { name: limit, in: query } }
  responses: { Pets: { description: x, content: { application/json: {} } } }
  pathItems:
    Shared: { get: { operationId: listPets, responses: {} } }
    Circle: { $ref: '#/components/pathItems/Circle' }
  securitySchemes:
    oauth: { type: oauth2, flows: {} }
    key: { type: apiKey, in: header, name: X }
    basic: { type: http, scheme: basic }
`;

function convert(text: string | Json, wishes = {}): ReturnType<typeof convertOpenApi> {
  const read = readOpenApi(text);
  assert.ok(read.ok);
  return convertOpenApi(read.document, wishes);
}

describe('an OpenAPI document', () => {
  test('becomes a gateway with paths, scopes and deprecation, sound as it is', () => {
    const { gateway } = convert(PETS);
    assert.deepEqual(declarationFaults([gateway]), []);
    assert.deepEqual(gateway, {
      name: 'Pet Store',
      description: 'Pets.',
      version: '1.2.0',
      upstreamServices: [{ name: 'api', targets: [{ url: 'https://eu.pets.example.com/v1' }] }],
      endpoints: [
        {
          method: 'GET',
          path: '/pets',
          operationId: 'listPets',
          summary: 'All pets',
          tags: ['pets'],
          authRequired: true,
          requiredScopes: ['pets:read'],
        },
        { method: 'POST', path: '/pets', operationId: 'addPet', authRequired: true, requiredScopes: ['pets:write'] },
        {
          method: 'GET',
          path: '/pets/{pet_id}',
          summary: 'A pet',
          authRequired: false,
          deprecated: true,
          sunsetDate: '2030-01-31',
        },
        { method: 'DELETE', path: '/pets/{pet_id}', summary: 'A pet', authRequired: false },
        { method: 'GET', path: '/shared', authRequired: true, requiredScopes: ['pets:read'] },
        { method: 'GET', path: '/files', upstreamUrl: 'https://files.example.com', authRequired: true },
      ],
    });
  });

  test('leaves nothing behind without a word', () => {
    const told = convert(PETS).notCarried.map(({ what, count, places }) => `${what} ×${count}: ${places.join(' | ')}`);
    assert.deepEqual(told.toSorted(), [
      'callbacks ×1: POST /pets',
      'components ×2: components.parameters (1) | components.responses (1)',
      'descriptions of tags ×1: tags',
      'extensions ×2: POST /pets: x-codegen | x-internal',
      'facts about the API ×1: info.contact',
      'operationId ×1: GET /shared',
      'operations ×1: GET /pets/{other}',
      'operations ×1: GET /report.{format}',
      'operations ×1: POST /pets/{id}:adopt',
      'operations ×1: TRACE /pets/{pet-id}',
      'optional authentication ×1: DELETE /pets/{pet-id}',
      'other ways to authenticate ×1: POST /pets',
      'parameters ×2: GET /pets | POST /pets',
      'paths ×2: /elsewhere | /circle',
      'request bodies ×1: POST /pets',
      'response bodies ×1: GET /pets',
      'scopes ×2: GET /pets: https://example.com/scopes/all | GET /shared: https://example.com/scopes/all',
      'security schemes ×1: basic',
      'servers ×1: servers[1]',
      'webhooks ×1: webhooks',
    ]);
  });

  test('that says nothing of security leaves it to the gateway, which asks for a key', () => {
    const document = { openapi: '3.1.0', info: { title: 'a', version: '1' }, paths: { '/a': { get: {} } } };
    assert.deepEqual(convert(document).gateway.endpoints, [{ method: 'GET', path: '/a' }]);
  });

  test('gives way to what was wished for', () => {
    const wishes = { name: 'mine', routePrefix: '/p', target: 'http://127.0.0.1:1' };
    const { name, routePrefix, upstreamServices } = convert(PETS, wishes).gateway;
    assert.deepEqual(
      [name, routePrefix, upstreamServices],
      ['mine', '/p', [{ name: 'api', targets: [{ url: 'http://127.0.0.1:1' }] }]],
    );
  });

  test('is cut to what there is room for, and says where', () => {
    const long = { summary: 's'.repeat(600), description: `${'d'.repeat(1_999)}😀x`, operationId: 'o'.repeat(256) };
    const { gateway, notCarried } = convert({
      openapi: '3.1.0',
      info: { title: 't'.repeat(300), version: 'v'.repeat(30), description: '\0NUL' },
      paths: { '/a': { get: { ...long, tags: Array.from({ length: 60 }, (_, i) => `t${i}`) } } },
    });
    assert.deepEqual(declarationFaults([gateway]), []);
    const [endpoint] = gateway.endpoints ?? [];
    assert.deepEqual([gateway.name.length, gateway.version?.length, gateway.description], [255, 20, 'NUL']);
    assert.deepEqual(
      [endpoint?.summary?.length, endpoint?.description, endpoint?.tags?.length],
      [500, 'd'.repeat(1_999), 50],
    );
    assert.deepEqual(notCarried.map(({ what }) => what).toSorted(), ['long texts', 'operationId', 'tags']);
  });
});

describe('a document that is none, or hostile,', () => {
  const unreadable: readonly [name: string, text: string, fault: RegExp][] = [
    ['is empty', '', /must be an OpenAPI document/],
    ['is a list', '[]', /must be an OpenAPI document/],
    ['is Swagger 2.0', '{"swagger":"2.0"}', /Swagger 2\.0/],
    ['is of another version', 'openapi: 4.0.0', /must say/],
    ['says its version as a number', 'openapi: 3.1', /must say/],
    ['is broken JSON', '{"openapi":', /cannot be read/],
    ['is broken YAML', 'openapi: [', /cannot be read/],
    ['is YAML without end', `openapi: 3.1.0\n# ${'x'.repeat(1024 * 1024)}`, /too many for YAML/],
    ['is nested without end', `{"a":${'['.repeat(200_000)}`, /cannot be read/],
    ['is YAML nested without end', `a: ${'['.repeat(20_000)}`, /cannot be read/],
    [
      'is a bomb of aliases',
      Array.from({ length: 12 }, (_, i) =>
        i === 0 ? 'a0: &a0 [x,x,x,x,x,x,x,x,x]' : `a${i}: &a${i} [${`*a${i - 1},`.repeat(9)}]`,
      ).join('\n'),
      /cannot be read/,
    ],
  ];
  for (const [name, text, fault] of unreadable) {
    test(`${name} is refused in a sentence`, () => {
      const read = readOpenApi(text);
      assert.ok(!read.ok);
      assert.match(read.fault, fault);
      assert.ok(read.fault.length < 300);
    });
  }

  test('refers to itself without end is read all the same', () => {
    const chain = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`p${i}`, { $ref: `#/x/p${i + 1}` }]));
    const { gateway, notCarried } = convert({
      openapi: '3.1.0',
      info: {},
      x: chain,
      paths: { '/long': { $ref: '#/x/p0' }, '/self': { $ref: '#' }, '/proto': { $ref: '#/__proto__' } },
    });
    assert.deepEqual([gateway.name, gateway.endpoints], ['imported', []]);
    assert.equal(notCarried.find(({ what }) => what === 'paths')?.count, 3);
    const cyclic = readOpenApi('openapi: 3.1.0\ninfo: { title: a }\npaths: &p\n  /a: { get: { x: *p } }');
    assert.ok(cyclic.ok);
    assert.equal(convertOpenApi(cyclic.document, {}).gateway.endpoints?.length, 1);
  });

  test('refers to one of very many without a look at the others: that would take minutes', () => {
    const items = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`i${i}`, { get: {} }]));
    const unread = new Proxy(items, { ownKeys: () => assert.fail('all of them were looked at') });
    const document = { components: { pathItems: unread } };
    assert.equal(resolve(document, { $ref: '#/components/pathItems/i7' }), items['i7']);
    assert.equal(resolve(document, { $ref: '#/components/pathItems/toString' }), undefined);
  });

  test('cannot put anything where it does not belong', () => {
    const text =
      '{"openapi":"3.1.0","info":{"title":"a"},"paths":{"__proto__":{"get":{}},"/a":{"get":{"__proto__":{"deprecated":true}}}}}';
    const { gateway } = convert(text);
    assert.deepEqual(gateway.endpoints, [{ method: 'GET', path: '/a' }]);
    assert.equal(Reflect.get({}, 'deprecated'), undefined);
    const wrong = { title: 7, version: [], description: {} };
    const odd = convert({
      openapi: '3.1.0',
      info: wrong,
      servers: 'x',
      paths: { '/a': { get: 7, put: { tags: 'x', security: 'y' } } },
    });
    assert.deepEqual(odd.gateway.endpoints, [{ method: 'PUT', path: '/a' }]);
  });

  test('has a thousand kinds of surprises tells a limited number of them', () => {
    const paths = Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`/a${i}.{x}b${i}`, { get: {} }]));
    const { notCarried } = convert({ openapi: '3.1.0', info: { title: 'a' }, paths });
    assert.ok(notCarried.length <= 500);
    assert.ok(notCarried.every(({ places }) => places.length <= 20));
  });
});

async function importing(control: TestControl, body: object, as = operatorPrincipal()): Promise<Answered> {
  return control.call('POST', '/api/v1/gateways/import', { as, body });
}

forEachDatabase('an import', (open) => {
  test('makes a gateway of a document, which deploys as it is', async () => {
    const control = createTestControl(await open());
    const dry = await importing(control, { document: PETS, dryRun: true });
    assert.deepEqual([dry.status, dry.body.data.gatewayId], [200, undefined]);
    assert.equal((await control.call('GET', '/api/v1/gateways')).body.meta.total, 0);
    const made = await importing(control, { document: PETS });
    assert.equal(made.status, 201, made.text);
    assert.deepEqual(made.body.data.steps, dry.body.data.steps);
    assert.ok(made.body.data.notCarried.length > 10);
    const path = `/api/v1/gateways/${made.body.data.gatewayId}`;
    assert.equal((await control.call('POST', `${path}/deploy`)).status, 200);
    const again = await importing(control, { document: PETS });
    assert.deepEqual([again.status, again.body.code], [409, 'name_taken']);
  });

  test('brings the endpoints of a document to a gateway that is there, and leaves its others', async () => {
    const control = createTestControl(await open());
    const services = [{ name: 'pets', targets: [{ url: 'http://127.0.0.1:9000' }] }];
    const made = await control.call('POST', '/api/v1/gateways', { body: { name: 'mine', upstreamServices: services } });
    const { id } = made.body.data;
    for (const body of [
      { method: 'GET', path: '/own' },
      { method: 'GET', path: '/pets', summary: 'Old' },
    ]) {
      await control.call('POST', `/api/v1/gateways/${id}/endpoints`, { body });
    }
    const answer = await importing(control, { document: PETS, gatewayId: id });
    assert.equal(answer.status, 200, answer.text);
    const counts = Object.groupBy(answer.body.data.steps, ({ action }: { action: string }) => action);
    assert.deepEqual([counts['create']?.length, counts['update']?.length], [5, 1]);
    assert.ok(answer.body.data.notCarried.some(({ why }: { why: string }) => why === 'the gateway keeps its own'));
    const { body } = await control.call('GET', `/api/v1/gateways/${id}/endpoints?pageSize=50`);
    assert.equal(body.meta.total, 7);
  });

  test('is refused with what is wrong, and with the permission that it needs', async () => {
    const control = createTestControl(await open());
    const cases: readonly [body: object, path: string, message: RegExp][] = [
      [{ document: 'openapi: 2' }, 'body.document', /must say/],
      [{ document: 7 }, 'body.document', /must be text or an object/],
      [{ document: PETS, gatewayId: 'gw_1', name: 'x' }, 'body.name', /goes without gatewayId/],
      [{ document: PETS, target: 'ftp://h' }, 'body.target', /http/],
      [{ document: PETS, name: '東京' }, 'body.document', /routePrefix is required/],
      [
        {
          document: {
            openapi: '3.1.0',
            info: { title: 'a' },
            paths: Object.fromEntries(Array.from({ length: 2_001 }, (_, i) => [`/a${i}`, { get: {} }])),
          },
        },
        'body.document',
        /has 2001 operations/,
      ],
    ];
    for (const [body, path, message] of cases) {
      const answer = await importing(control, body);
      assert.deepEqual([answer.status, answer.body.errors?.[0].path], [400, path], answer.text.slice(0, 300));
      assert.match(answer.body.errors[0].message, message);
    }
    assert.equal((await importing(control, { document: PETS, gatewayId: 'gw_none' })).status, 404);
    const refused = await importing(control, { document: PETS }, keyPrincipal(['gateways:update']));
    assert.match(refused.body.detail, /gateways:create/);
    const long = await importing(control, { document: ' '.repeat(17 * 1024 * 1024) });
    assert.equal(long.status, 413);
  });

  test('of what was exported gives the same endpoints; the document is valid OpenAPI 3.1', async () => {
    const control = createTestControl(await open());
    const shop = {
      name: 'shop',
      description: 'All of it',
      baseUrl: 'https://api.example.com/',
      upstreamServices: [{ name: 'orders', targets: [{ url: 'http://127.0.0.1:9000' }] }],
      endpoints: [
        {
          method: 'GET',
          path: '/orders/{id}',
          operationId: 'getOrder',
          summary: 'An order',
          description: 'One of them',
          tags: ['orders'],
          requiredScopes: ['orders:read'],
          deprecated: true,
          sunsetDate: '2030-01-31T00:00:00.000Z',
          authRequired: true,
        },
        { method: 'GET', path: '/files/*', authRequired: false },
        { method: 'POST', path: '/orders', isActive: false },
      ],
    };
    const applied = await control.call('POST', '/api/v1/gateways/apply', { body: { gateways: [shop] } });
    const { gatewayId } = applied.body.data.deployments[0];
    const { body: document } = await control.call('GET', `/api/v1/gateways/${gatewayId}/openapi.json`);
    const checked = await new Validator().validate(structuredClone(document));
    assert.ok(checked.valid, JSON.stringify(checked.errors));
    assert.deepEqual(document.servers, [{ url: 'https://api.example.com/shop' }]);
    assert.ok(isMap(document.paths['/files/{rest}']));
    const { declaration } = (await importing(control, { document, name: 'again' })).body.data;
    assert.deepEqual(declaration.endpoints, [
      { method: 'GET', path: '/files/*', authRequired: false },
      { ...shop.endpoints[0], sunsetDate: '2030-01-31' },
    ]);

    // A draft shows only where nothing is live yet.
    await control.call('PUT', `/api/v1/gateways/${gatewayId}`, { body: { description: 'Other' } });
    const live = await control.call('GET', `/api/v1/gateways/${gatewayId}/openapi.json`);
    assert.equal(live.body.info.description, 'All of it');
    const draft = await control.call('POST', '/api/v1/gateways', { body: { name: 'draft' } });
    const of = await control.call('GET', `/api/v1/gateways/${draft.body.data.id}/openapi.json`);
    assert.deepEqual([of.body.info.title, of.body.paths], ['draft', {}]);
    const as = operatorPrincipal({ tenantId: 'ten_other' });
    assert.equal((await control.call('GET', `/api/v1/gateways/${gatewayId}/openapi.json`, { as })).status, 404);
  });
});
