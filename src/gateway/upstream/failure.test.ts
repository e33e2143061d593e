import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toFailure, UpstreamFault } from './failure.ts';

const coded = (code: string): Error => Object.assign(new Error('it failed'), { code });

describe('what an upstream call failed of', () => {
  const table: readonly [code: string, problem: string, proxyError: string][] = [
    ['ECONNREFUSED', 'upstream_unreachable', 'connection_refused'],
    ['ECONNRESET', 'upstream_unreachable', 'connection_terminated'],
    ['EPIPE', 'upstream_unreachable', 'connection_terminated'],
    ['ENOENT', 'upstream_unreachable', 'connection_terminated'],
    ['ENOTFOUND', 'upstream_unreachable', 'dns_error'],
    ['EAI_AGAIN', 'upstream_unreachable', 'dns_error'],
    ['EHOSTUNREACH', 'upstream_unreachable', 'destination_ip_unroutable'],
    ['ENETUNREACH', 'upstream_unreachable', 'destination_ip_unroutable'],
    ['ETIMEDOUT', 'upstream_timeout', 'connection_timeout'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'upstream_unreachable', 'tls_certificate_error'],
    ['CERT_HAS_EXPIRED', 'upstream_unreachable', 'tls_certificate_error'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'upstream_unreachable', 'tls_certificate_error'],
    ['', 'upstream_unreachable', 'connection_terminated'],
  ];
  for (const [code, problem, proxyError] of table) {
    test(`is ${proxyError} for ${code || 'an error without a code'}`, () => {
      const cause = coded(code);
      assert.deepEqual(toFailure(cause, true), { code: problem, proxyError, cause, isSent: true, isOurs: false });
    });
  }

  test('is what the gateway says when it gave up itself', () => {
    const cause = new UpstreamFault('upstream_invalid', 'http_protocol_error', 'malformed start line');
    const { code, proxyError } = toFailure(cause, true);
    assert.deepEqual([code, proxyError], ['upstream_invalid', 'http_protocol_error']);
  });

  for (const code of ['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS']) {
    test(`is our own affair for ${code}`, () => {
      const { proxyError, isOurs } = toFailure(coded(code), false);
      assert.deepEqual([proxyError, isOurs], ['proxy_internal_error', true]);
    });
  }

  test('is found in the error that another one wraps', () => {
    const cause = new TypeError('fetch failed', { cause: coded('ECONNREFUSED') });
    assert.equal(toFailure(cause, false).proxyError, 'connection_refused');
  });

  test('is told of whatever was thrown', () => {
    for (const cause of [undefined, null, 'text', 7])
      assert.equal(toFailure(cause, false).code, 'upstream_unreachable');
  });
});
