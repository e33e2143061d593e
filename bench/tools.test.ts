import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseModulesFolder, withoutTools } from './tools.ts';

test('the folder of the modules is the one that nginx was built with', () => {
  const text = "configure arguments: --with-cc-opt='-g' --modules-path=/usr/lib/nginx/modules --with-http_ssl_module";
  assert.equal(parseModulesFolder(text), '/usr/lib/nginx/modules');
  assert.equal(parseModulesFolder('nginx version: nginx/1.22.1'), undefined);
});

test('without nginx there is no half of its rate, and without h2load no HTTP/2', () => {
  assert.deepEqual(withoutTools({ wrk: 'wrk' }), ['latency', 'h2']);
  assert.deepEqual(withoutTools({ wrk: 'wrk', nginx: 'nginx', h2load: 'h2load' }), []);
});
