import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newKeyText } from './key-text.ts';
import { maskSecrets } from './mask-secrets.ts';

const SECRET = ['secret', 'clientSecret', 'password', 'old_password', 'accessToken', 'refresh-token', 'Authorization']
  .concat(['Proxy-Authorization', 'set-cookie', 'X-API-Key', 'apiKey', 'key', 'privateKey', 'newKey', 'credentials'])
  .concat(['passphrase', 'HMAC_SECRET', 'signingKey', 'secretToken', 'jwt', 'X-Auth-Token']);
const PUBLIC = [
  'name',
  'keyId',
  'keyPrefix',
  'keyTemplate',
  'authRequired',
  'monkey',
  'tokenizer',
  'secretary',
  'scopes',
];

test('masks texts under the names of secrets, and no others', () => {
  for (const name of SECRET) assert.deepEqual(maskSecrets({ [name]: 'hush' }), { [name]: '***' }, name);
  for (const name of PUBLIC) assert.deepEqual(maskSecrets({ [name]: 'hush' }), { [name]: 'hush' }, name);
});

test('masks whole lists and objects under such a name, at any depth', () => {
  assert.deepEqual(maskSecrets({ a: [{ credentials: { user: 'ada', word: 'hush' }, tokens: ['hush'] }] }), {
    a: [{ credentials: '***', tokens: '***' }],
  });
});

test('leaves numbers, booleans, null and what is empty', () => {
  const value = { tokens: 5, hasPassword: true, secret: null, password: '' };
  assert.deepEqual(maskSecrets(value), value);
});

test('finds secrets by their looks, whatever their name', () => {
  const { text } = newKeyText('dh_live');
  const cases: [given: string, kept: string][] = [
    [text, '***'],
    [`try ${text}, please`, 'try ***, please'],
    ['Bearer abcdefgh12345678', 'Bearer ***'],
    ['basic YWRhOmh1c2hodXNo', 'basic ***'],
    ['http://ada:hush@10.0.0.1/x?y=@z', 'http://***@10.0.0.1/x?y=@z'],
    ['http://10.0.0.1/a@b', 'http://10.0.0.1/a@b'],
    ['a bearer of news', 'a bearer of news'],
  ];
  for (const [given, kept] of cases) assert.deepEqual(maskSecrets({ note: [given] }), { note: [kept] });
  assert.deepEqual(maskSecrets({ [text]: 1 }), { '***': 1 });
});
