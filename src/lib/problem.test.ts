import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Problem, PROBLEMS, toProblemBody, type ProblemCode } from './problem.ts';

const CONTEXT = { instance: '/orders', requestId: 'req_1' };

function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(PROBLEMS, code);
}

describe('the catalogue', () => {
  for (const [code, kind] of Object.entries(PROBLEMS)) {
    test(`has a sound entry for ${code}`, () => {
      assert.match(code, /^[a-z]+(_[a-z]+)*$/);
      assert.ok(kind.status >= 400 && kind.status <= 599);
      assert.match(kind.title, /^[A-Z][^.]*$/);
      assert.match(kind.remedy, /^[A-Z].*\.$/, 'tells the caller what to do, in a sentence');
    });
  }
});

describe('the body of a problem', () => {
  for (const code of Object.keys(PROBLEMS).filter(isProblemCode)) {
    test(`has the members of RFC 9457 for ${code}`, () => {
      const kind = PROBLEMS[code];
      assert.deepEqual(toProblemBody(new Problem(code), CONTEXT), {
        type: `urn:tollgate:problem:${code}`,
        title: kind.title,
        status: kind.status,
        detail: kind.remedy,
        instance: '/orders',
        success: false,
        code,
        requestId: 'req_1',
      });
    });
  }

  test('tells the detail and lists every fault', () => {
    const errors = [
      { path: 'body.name', message: 'is required' },
      { path: 'body.scopes[1]', message: 'is there twice' },
    ];
    const body = toProblemBody(new Problem('invalid_request', { detail: 'Two things.', errors }), CONTEXT);
    assert.equal(body['detail'], 'Two things.');
    assert.deepEqual(body['errors'], errors);
  });

  test('tells nothing of its cause, its headers or its stack', () => {
    const cause = new Error('relation "keys" does not exist at /srv/tollgate/store.ts');
    const problem = new Problem('internal_error', { cause, headers: ['retry-after', '1'] });
    const text = JSON.stringify(toProblemBody(problem, CONTEXT));
    assert.doesNotMatch(text, /relation|store\.ts|retry-after|stack|cause/);
    assert.equal(problem.cause, cause);
  });
});

describe('a problem', () => {
  test('is an error that knows its status', () => {
    const problem = new Problem('key_revoked');
    assert.ok(problem instanceof Error);
    assert.equal(problem.status, 401);
    assert.equal(problem.message, 'Key revoked');
  });
});
