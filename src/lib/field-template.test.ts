import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isReservedField, parseTemplate } from './field-template.ts';

test('a template is text, and names in braces', () => {
  assert.deepEqual(parseTemplate('id {clientId}/{requestId}'), [
    { text: 'id ' },
    { name: 'clientId' },
    { text: '/' },
    { name: 'requestId' },
  ]);
  assert.deepEqual(parseTemplate('{{"a":1}}'), [{ text: '{' }, { text: '"a":1' }, { text: '}' }]);
  assert.deepEqual(parseTemplate(''), []);
});

test('a template with a name that is not known, or a lone brace, is refused', () => {
  for (const template of ['{secret}', '{toString}', '{', 'a}', '{ clientId }', '{{clientId}']) {
    const fault = parseTemplate(template);
    assert.ok(typeof fault === 'string', template);
    assert.match(fault, /name one of requestId/);
  }
});

test('fields that frame a message, or that we vouch for, are nobody else’s, however they are spelled', () => {
  for (const name of [
    'Content-Length',
    'content_length',
    'HOST',
    'X-Forwarded-For',
    'x_forwarded_for',
    'Connection',
    'TE',
    'Tollgate-Context',
    'tollgate_context',
    'Proxy-Authorization',
    'X-Request-Id',
    'Sec-WebSocket-Accept',
  ])
    assert.ok(isReservedField(name), name);
  for (const name of ['Authorization', 'X-API-Key', 'Set-Cookie', 'X-Client', 'Hosts', 'Proxying'])
    assert.ok(!isReservedField(name), name);
});
