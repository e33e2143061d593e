// Whether the time of `POST /validate` tells a key that nobody knows from one whose secret is wrong.

import { createTestControl } from '../test/harness/control.ts';
import { forgeKeyText } from '../test/harness/forged-key.ts';
import { newKeyText, parsePublicId } from '../src/lib/key-text.ts';
import type { OpenedDatabase } from '../src/db/open.ts';
import type { Figure } from './figures.ts';
import { toSpread } from './statistics.ts';

const PAIRS = 3000;
const WARMUP_PAIRS = 300;
/** Of medians of so many. */
const NOISE = 0.05;

export async function measureValidation(database: OpenedDatabase): Promise<Figure> {
  const control = createTestControl(database);
  const made = await control.call('POST', '/api/v1/keys', { body: { name: 'bench' } });
  const publicId = parsePublicId(/"apiKey":"([^"]+)"/.exec(made.text)?.[1] ?? '');
  if (publicId === undefined) throw new Error(`no key was made: ${made.text}`);
  const time = async (text: string): Promise<number> => {
    const startedMs = performance.now();
    const answer = await control.call('POST', '/validate', { as: null, body: { key: text } });
    if (!answer.text.includes('"invalid_key"')) throw new Error('a wrong key is not told so');
    return performance.now() - startedMs;
  };
  const unknown: number[] = [];
  const wrong: number[] = [];
  for (let pair = 0; pair < WARMUP_PAIRS + PAIRS; pair++) {
    // In turns, so that whatever else the machine does falls on both; and each as often the first of its pair.
    const texts = { unknown: newKeyText('tg_live').text, wrong: forgeKeyText(publicId) };
    const ofFirst = await time(pair % 2 === 0 ? texts.unknown : texts.wrong);
    const ofSecond = await time(pair % 2 === 0 ? texts.wrong : texts.unknown);
    if (pair < WARMUP_PAIRS) continue;
    unknown.push(pair % 2 === 0 ? ofFirst : ofSecond);
    wrong.push(pair % 2 === 0 ? ofSecond : ofFirst);
  }
  const medians = { unknown: toSpread(unknown).median, wrong: toSpread(wrong).median };
  return {
    what: 'POST /validate in the control plane, unknown and wrong key (medians)',
    value: `${medians.unknown.toFixed(3)} ms, ${medians.wrong.toFixed(3)} ms`,
    goal: 'the same',
    isMet: Math.abs(medians.unknown / medians.wrong - 1) <= NOISE,
  };
}
