// Calls at the same time, in every order of their steps there is, and with a thread that dies at any of them. What comes out must be what
// comes out when they are made one after the other, in one order or another: every decision, and every count.

import { describe, it } from 'node:test';
import type { Check } from './limiter.ts';
import { isOwner, peek, refund, release, type Story, take, tell } from './story.fixture.ts';

const day = (subject: string, limit: number): Check => ({ subject, limit: { window: 'day', limit } });
const sliding = (subject: string, limit: number): Check => ({ subject, limit: { window: 'minute', limit } });
const bucket = (subject: string, burst: number): Check => ({
  subject,
  limit: { algorithm: 'bucket', window: 'minute', limit: 1, burst },
});
const concurrency = (subject: string, limit: number): Check => ({
  subject,
  limit: { algorithm: 'concurrency', limit },
});

const two: readonly [string, Story][] = [
  [
    'for a counter that neither finds',
    { before: [], threads: [[take(day('a', 1))], [take(day('a', 1))]], watch: [day('a', 9)], steps: 'swaps' },
  ],
  [
    'for a counter that neither finds, and whose first slot is another’s',
    {
      before: [take(day('a', 9))],
      threads: [[take(day('d', 1))], [take(day('d', 1))]],
      watch: [day('a', 9), day('d', 9)],
      steps: 'swaps',
      isLookStep: isOwner,
    },
  ],
  [
    'for the same counter',
    {
      before: [take(day('a', 9))],
      threads: [[take(day('a', 2))], [take(day('a', 2))]],
      watch: [day('a', 9)],
      maxAborts: 1,
    },
  ],
  [
    'for the same two counters in different order',
    {
      before: [take(day('a', 9)), take(day('b', 9))],
      threads: [[take(day('a', 2), day('b', 2))], [take(day('b', 2), day('a', 2))]],
      watch: [day('a', 9), day('b', 9)],
      maxAborts: 1,
    },
  ],
  [
    'of which one is refused by a counter that the other does not have',
    {
      before: [take(day('full', 9)), take(day('a', 9))],
      threads: [[take(day('a', 2), day('full', 1))], [take(day('a', 2))]],
      watch: [day('a', 9), day('full', 9)],
      maxAborts: 1,
    },
  ],
  [
    'for counters of other algorithms',
    {
      before: [take(bucket('a', 9)), take(sliding('b', 9))],
      threads: [[take(bucket('a', 2), sliding('b', 9))], [take(sliding('b', 2), bucket('a', 9))]],
      watch: [bucket('a', 9), sliding('b', 9)],
      maxAborts: 1,
    },
  ],
  [
    'of which one gives back what it has counted',
    {
      before: [take(day('a', 9)), take(day('b', 9))],
      threads: [[take(day('a', 9)), refund], [take(day('a', 3), day('b', 9))]],
      watch: [day('a', 9), day('b', 9)],
    },
  ],
  [
    'of which one releases its place',
    {
      before: [take(concurrency('a', 9)), release],
      threads: [[take(concurrency('a', 1)), release], [take(concurrency('a', 1))]],
      watch: [concurrency('a', 9)],
    },
  ],
  [
    'for a counter that has to take the place of another',
    {
      before: [take(day('a', 9)), take(day('b', 9)), take(day('c', 9)), take(day('d', 9))],
      threads: [[take(day('e', 1))], [take(day('e', 1))]],
      watch: [day('e', 9)],
      steps: 'swaps',
    },
  ],
];

const full = ['a', 'b', 'c', 'd'].map((subject) => take(day(subject, 9)));
const making: readonly [string, Story][] = [
  [
    'for two counters that neither finds, in different order',
    {
      before: [],
      threads: [[take(day('a', 1), day('b', 2))], [take(day('b', 2), day('a', 2))]],
      watch: [day('a', 9), day('b', 9)],
      steps: 'swaps',
    },
  ],
  [
    'for a counter that one finds and one that neither does, and of which one is refused',
    {
      before: [take(day('a', 9))],
      threads: [[take(day('a', 1), day('b', 9))], [take(day('a', 3), day('b', 9))]],
      watch: [day('a', 9), day('b', 9)],
      steps: 'swaps',
    },
  ],
  [
    'for two counters each, when there is room for none',
    {
      before: [...full, ...full],
      threads: [[take(day('e', 9), day('f', 9))], [take(day('e', 9), day('f', 9))]],
      watch: [day('e', 9), day('f', 9)],
      steps: 'swaps',
      maxAborts: 1,
    },
  ],
];

// The search for b and m begins at the last slot, for d at the first. So m takes the slot that d's home is.
const eachOthersHomes: Story = {
  before: [take(day('b', 9))],
  threads: [[take(day('m', 9), day('d', 9))], [take(day('m', 9))]],
  watch: [day('b', 9), day('d', 9), day('m', 9)],
  steps: 'swaps',
  isLookStep: isOwner,
};

const looking: Story = {
  before: [take(day('b', 9))],
  threads: [[peek(day('a', 9), day('b', 9))], [take(day('a', 9), day('b', 9))]],
  watch: [day('a', 9), day('b', 9)],
  steps: 'swaps',
  isLookStep: isOwner,
};

const bothTakeOneSlot: Story = {
  before: [take(day('a', 9))],
  threads: [[take(day('d', 1))], [take(day('g', 1))]],
  watch: [day('a', 9), day('d', 9), day('g', 9)],
  steps: 'swaps',
  isLookStep: isOwner,
};

describe('two calls', () => {
  it('for two counters that would both take the same slot', () => tell(bothTakeOneSlot));
  it('of which one looks at a counter that the other makes, and at one that there is: both before, or both after', () =>
    tell(looking));
  it('for a counter that takes the slot where another that is made with it begins', () => tell(eachOthersHomes));
  for (const [what, story] of [...two, ...making]) {
    it(what, () => tell(story));
    // Whoever dies while it releases a place may take it along (holds.ts): that is no order of calls.
    if (story.threads.flat().includes(release)) continue;
    it(`${what}, when one of their threads dies`, () => tell({ ...story, maxAborts: 0, mayDie: true }));
  }
});

describe('three calls', () => {
  const three: readonly [string, Story][] = [
    [
      'for the same counter',
      {
        before: [take(day('a', 9))],
        threads: [[take(day('a', 2))], [take(day('a', 2))], [take(day('a', 9))]],
        watch: [day('a', 9)],
        steps: 'swaps',
      },
    ],
    [
      'of which one has the counters of both others',
      {
        before: [take(day('a', 9)), take(day('b', 9))],
        threads: [[take(day('a', 2), day('b', 2))], [take(day('a', 2))], [take(day('b', 2))]],
        watch: [day('a', 9), day('b', 9)],
        steps: 'swaps',
      },
    ],
  ];
  for (const [what, story] of three) it(what, () => tell(story));
});
