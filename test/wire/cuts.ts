// The ways to cut one input into reads. A codec that is right gives the same outcome for all of them.

import assert from 'node:assert/strict';

/** Inputs up to this are cut at every octet; longer ones at every octet near both ends, and here and there between. */
const LONG = 1500;
const EVERY_OCTET = 300;
const STRIDE = 97;

/** Reads the input whole, in single octets, and in two reads cut at every octet; fails where an outcome is not the first one. */
export function readEveryWay<Outcome>(raw: string, read: (pieces: readonly Buffer[]) => Outcome): Outcome {
  const bytes = Buffer.from(raw, 'latin1');
  const whole = read([bytes]);
  assert.deepEqual(read(inSingleOctets(bytes)), whole, 'in single octets');
  for (let cut = 1; cut < bytes.length; cut++) {
    if (bytes.length > LONG && cut > EVERY_OCTET && cut < bytes.length - EVERY_OCTET && cut % STRIDE !== 0) continue;
    assert.deepEqual(read([bytes.subarray(0, cut), bytes.subarray(cut)]), whole, `cut after octet ${cut}`);
  }
  return whole;
}

function inSingleOctets(bytes: Buffer): Buffer[] {
  return Array.from({ length: bytes.length }, (_, at) => bytes.subarray(at, at + 1));
}
