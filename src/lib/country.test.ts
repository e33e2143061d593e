import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCountry } from './country.ts';

/** What Unicode names beside the countries of ISO 3166-1: parts, unions, what is no more, and what stands for nothing. */
const NO_COUNTRIES = new Set(
  'AC AN BU CP CQ CS DD DG DY EA EU EZ FX HV IC NH QO RH SU TA TP UK UN VD XA XB YD YU ZR ZZ'.split(' '),
);

function everyPair(): string[] {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'.split('');
  return letters.flatMap((first) => letters.map((second) => first + second));
}

test('a country is what ISO 3166-1 lists, and Kosovo, by the data of the runtime', () => {
  const names = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });
  const named = everyPair().filter((code) => names.of(code) !== undefined && !NO_COUNTRIES.has(code));
  assert.deepEqual(everyPair().filter(isCountry), named);
  assert.equal(named.length, 249 + 1);
});

for (const text of ['', 'D', 'de', 'DEU', 'D ', ' DE', 'XX', 'T1', 'UK', 'EU', 'ZZ', 'Germany', 'constructor']) {
  test(`a country is not ${JSON.stringify(text)}`, () => assert.ok(!isCountry(text)));
}
