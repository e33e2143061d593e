import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseH2loadReport } from './h2load-report.ts';

const SOUND = `TLS Protocol: TLSv1.3
Cipher: TLS_AES_256_GCM_SHA384
Server Temp Key: X25519 253 bits
Application protocol: h2
Main benchmark duration is over for thread #0. Stopping all clients.
Stopped all clients for thread #0

finished in 2.00s, 88863.00 req/s, 6.53MB/s
requests: 177726 total, 177790 started, 177726 done, 177726 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 177726 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 13.05MB (13685294) total, 8.31MB (8708574) headers (space savings 50.51%), 1.69MB (1777260) data
`;

test('a sound report gives requests and time, and no percentiles', () => {
  assert.deepEqual(parseH2loadReport(SOUND), { seconds: 2, requests: 177_726, errors: 0 });
});

test('refused requests do not count as done, and failed ones count as errors once', () => {
  const text = SOUND.replace('177726 succeeded, 0 failed', '177700 succeeded, 26 failed').replace(
    '177726 2xx, 0 3xx, 0 4xx',
    '177700 2xx, 0 3xx, 26 4xx',
  );
  assert.deepEqual(parseH2loadReport(text), { seconds: 2, requests: 177_700, errors: 26 });
});

test('another protocol, no connection and no report are refused', () => {
  assert.throws(() => parseH2loadReport(SOUND.replace('protocol: h2', 'protocol: http/1.1')), /spoke http\/1\.1/);
  assert.throws(() => parseH2loadReport(SOUND.replace(/^Application.*$/m, '')), /with nobody/);
  assert.throws(() => parseH2loadReport('h2load: unknown option\n'), /no report.*\n.*unknown option/);
});
