import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createDeps, createExchange, readProblem } from '../../test/harness/data-plane.ts';
import type { RequestBody } from '../gateway/body.ts';
import { checkSchema } from '../gateway/snapshot.ts';
import { bodyLimit } from './body-limit.ts';

const policy = bodyLimit.compile({ maxBytes: 10 }, createDeps());

function bodyOf(caps: number[]): RequestBody {
  const nothing = (): void => undefined;
  return { start: nothing, resume: nothing, cancel: nothing, cap: (maxBytes) => void caps.push(maxBytes) };
}

describe('body-limit', () => {
  test('refuses a body whose announced length is beyond it, and not one of exactly that length', () => {
    const send = (length: string) => {
      const { exchange } = createExchange({ headers: ['Content-Length', length], body: bodyOf([]) });
      const reply = policy.onRequest?.(exchange);
      assert.ok(!(reply instanceof Promise));
      return reply;
    };
    assert.equal(readProblem(send('11'))['code'], 'body_too_large');
    assert.equal(send('10'), undefined);
  });

  test('has the edge count what comes without a length, and lets requests without a body be', () => {
    const caps: number[] = [];
    assert.equal(policy.onRequest?.(createExchange({ body: bodyOf(caps) }).exchange), undefined);
    assert.equal(policy.onRequest?.(createExchange().exchange), undefined);
    assert.deepEqual(caps, [10]);
  });

  for (const config of [{}, { maxBytes: -1 }, { maxBytes: 1.5 }, { maxBytes: 1, any: 1 }]) {
    test(`may not be ${JSON.stringify(config)}`, () => {
      assert.notDeepEqual(checkSchema(bodyLimit.config, config, ''), []);
    });
  }
});
