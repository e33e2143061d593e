import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Together } from './together.ts';

/** Goes that end when the test says so. */
function createGoes(maxJobs = 10) {
  const goes: { readonly jobs: readonly number[]; readonly end: PromiseWithResolvers<void> }[] = [];
  const together = new Together<number, string>({
    maxJobs,
    isOfOne: (cause) => cause instanceof RangeError,
    async carryOut(jobs) {
      const end = Promise.withResolvers<void>();
      goes.push({ jobs, end });
      await end.promise;
      if (jobs.includes(13)) throw new RangeError('not 13');
      return jobs.map((job) => `done ${job}`);
    },
  });
  const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
  const end = async (i: number): Promise<void> => {
    goes[i]?.end.resolve();
    await turn();
  };
  return { together, jobsOf: () => goes.map(({ jobs }) => jobs), end, goes };
}

describe('what is asked for at once', () => {
  test('is done at once when nothing is under way, and else in the next go, in order', async () => {
    const { together, jobsOf, end } = createGoes();
    const results = [1, 2, 3].map((job) => together.run('a', job));
    assert.deepEqual(jobsOf(), [[1]]);
    await end(0);
    assert.deepEqual(jobsOf(), [[1], [2, 3]]);
    await end(1);
    assert.deepEqual(await Promise.all(results), ['done 1', 'done 2', 'done 3']);
    const later = together.run('a', 4);
    assert.deepEqual(jobsOf().at(-1), [4]);
    await end(2);
    assert.equal(await later, 'done 4');
  });

  test('is done apart for each group, and no more of it in one go than may be', async () => {
    const { together, jobsOf, end } = createGoes(2);
    const results = [1, 2, 3, 4].map((job) => together.run('a', job));
    results.push(together.run('b', 5));
    assert.deepEqual(jobsOf(), [[1], [5]]);
    for (let i = 0; i < 4; i++) await end(i);
    assert.deepEqual(jobsOf(), [[1], [5], [2, 3], [4]]);
    assert.equal((await Promise.all(results)).length, 5);
  });

  test('is done one by one after a go that failed of one, who alone is refused', async () => {
    const { together, jobsOf, end } = createGoes();
    const results = Promise.allSettled([1, 2, 13, 4].map((job) => together.run('a', job)));
    for (let i = 0; i < 6; i++) await end(i);
    assert.deepEqual(jobsOf(), [[1], [2, 13, 4], [2], [13], [4]]);
    assert.deepEqual(
      (await results).map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
    );
  });

  test('is not tried again when nobody knows what became of it', async () => {
    const { together, goes, end } = createGoes();
    const results = Promise.allSettled([1, 2, 3].map((job) => together.run('a', job)));
    await end(0);
    goes[1]?.end.reject(new Error('the connection is gone'));
    assert.deepEqual(
      (await results).map(({ status }) => status),
      ['fulfilled', 'rejected', 'rejected'],
    );
    assert.equal(goes.length, 2);
  });
});
