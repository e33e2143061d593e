import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findPepper, pepperIdOf, proofOfPepper, toPeppers } from './pepper.ts';

describe('a pepper', () => {
  const peppers = toPeppers('the new one', 'the old one');

  test('is found by its id, whichever of the two it is, and no other is', () => {
    assert.equal(findPepper(peppers, pepperIdOf('the new one')), peppers.current);
    assert.equal(findPepper(peppers, pepperIdOf('the old one')), peppers.previous);
    assert.equal(findPepper(peppers, pepperIdOf('a third one')), undefined);
    assert.equal(findPepper(peppers, ''), undefined);
  });

  test('has no previous one unless it is told', () => {
    const single = toPeppers('the new one');
    assert.equal(single.previous, undefined);
    assert.equal(findPepper(single, pepperIdOf('the old one')), undefined);
  });

  test('has an id that begins its proof, as the migration reads it, and that does not hold it', () => {
    const id = pepperIdOf('the old one');
    assert.equal(Buffer.from(proofOfPepper('the old one')).toString('hex').slice(0, 16), id);
    assert.match(id, /^[0-9a-f]{16}$/);
  });
});
