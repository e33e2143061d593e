import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseWrkReport } from './wrk-report.ts';

const SOUND = `Running 5s test @ http://127.0.0.1:8080/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.05ms  210.50us   9.99ms   91.02%
    Req/Sec    60.50k     1.20k   62.00k    80.00%
  Latency Distribution
     50%  980.00us
     75%    1.10ms
     90%    1.30ms
     99%    2.10ms
  301234 requests in 5.01s, 70.20MB read
Requests/sec:  60126.55
Transfer/sec:     14.01MB
`;

test('a sound report gives requests, time and percentiles in milliseconds', () => {
  assert.deepEqual(parseWrkReport(SOUND), { seconds: 5.01, requests: 301_234, errors: 0, p50Ms: 0.98, p99Ms: 2.1 });
});

test('refused requests do not count as done, and everything that went wrong counts as an error', () => {
  const text = SOUND.replace(
    'Requests/sec',
    '  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 234\nRequests/sec',
  );
  const report = parseWrkReport(text);
  assert.equal(report.requests, 301_000);
  assert.equal(report.errors, 244);
});

test('seconds and minutes are told apart', () => {
  const report = parseWrkReport(SOUND.replace('in 5.01s', 'in 2.00m').replace(/99%.*/, '99%    1.50s '));
  assert.equal(report.seconds, 120);
  assert.equal(report.p99Ms, 1500);
});

test('anything else is refused with what was printed', () => {
  assert.throws(() => parseWrkReport('unable to connect to 127.0.0.1:1 Connection refused\n'), /Connection refused/);
  assert.throws(() => parseWrkReport(SOUND.replace('2.10ms', 'nan')), /none: nan/);
});
