// The balancers by their properties, over many choices of targets and shares that look random and are the same in every run.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Random } from '../../../test/wire/random.ts';
import { Balancer, type Candidate, hashText, toChoice } from './balance.ts';

interface Fake extends Candidate {
  readonly name: string;
  inFlight: number;
}

const ROUNDS = 200;

function createFakes(shares: readonly number[]): Fake[] {
  return shares.map((share, i) => {
    const name = `http://target-${i}:8080`;
    return { name, share, owed: 0, inFlight: 0, seed: hashText(name) };
  });
}

const someShares = (random: Random): number[] =>
  Array.from({ length: 1 + random.below(12) }, () => 1 + random.below(9));

/** How often each target was chosen. */
function count(picks: readonly (Fake | undefined)[]): Map<string, number> {
  return new Map([...Map.groupBy(picks, (pick) => pick?.name ?? '')].map(([name, all]) => [name, all.length]));
}

const address = (random: Random): string => [1, 2, 3, 4].map(() => random.below(256)).join('.');

for (const strategy of ['round_robin', 'weighted', 'least_connections', 'ip_hash'] as const) {
  describe(strategy, () => {
    test('chooses nobody where there is nobody, and the only one where there is one', () => {
      const balancer = new Balancer(strategy);
      assert.equal(balancer.pick(toChoice<Fake>([]), 'k'), undefined);
      const [only] = createFakes([3]);
      assert.ok(only !== undefined);
      for (let i = 0; i < 5; i++) assert.equal(balancer.pick(toChoice([only]), 'k'), only);
    });

    test('chooses among those who are there, while they come and go', () => {
      const random = new Random(1);
      const all = createFakes([1, 2, 3, 4, 5, 6]);
      const balancer = new Balancer(strategy);
      for (let round = 0; round < ROUNDS; round++) {
        const there = all.filter(() => random.once(2));
        const picked = balancer.pick(toChoice(there), address(random));
        assert.equal(picked === undefined, there.length === 0);
        assert.ok(picked === undefined || there.includes(picked));
      }
    });
  });
}

describe('round_robin', () => {
  test('gives everybody a turn before anybody has another', () => {
    for (let size = 1; size <= 12; size++) {
      const balancer = new Balancer('round_robin');
      const choice = toChoice(createFakes(Array.from({ length: size }, () => 1)));
      for (let round = 0; round < 3; round++) {
        const picked = Array.from({ length: size }, () => balancer.pick(choice, ''));
        assert.equal(new Set(picked).size, size);
      }
    }
  });
});

describe('shares', () => {
  test('are kept to the request over every round of as many requests as there are shares', () => {
    const random = new Random(2);
    for (let round = 0; round < ROUNDS; round++) {
      const fakes = createFakes(someShares(random));
      const balancer = new Balancer('weighted');
      const choice = toChoice(fakes);
      const total = fakes.reduce((sum, { share }) => sum + share, 0);
      for (let lap = 0; lap < 3; lap++) {
        const counts = count(Array.from({ length: total }, () => balancer.pick(choice, '')));
        for (const { name, share } of fakes) assert.equal(counts.get(name), share);
      }
    }
  });

  test('are spread out: nobody is ever ahead of or behind their part by more than one request for each other target', () => {
    const random = new Random(3);
    for (let round = 0; round < ROUNDS; round++) {
      const fakes = createFakes(someShares(random));
      const balancer = new Balancer('weighted');
      const choice = toChoice(fakes);
      const total = fakes.reduce((sum, { share }) => sum + share, 0);
      const got = new Map<Fake | undefined, number>();
      for (let requests = 1; requests <= total; requests++) {
        const picked = balancer.pick(choice, '');
        got.set(picked, (got.get(picked) ?? 0) + 1);
        for (const fake of fakes) {
          const due = (requests * fake.share) / total;
          assert.ok(Math.abs((got.get(fake) ?? 0) - due) <= fakes.length);
        }
      }
    }
  });

  test('5, 1, 1 are taken as first first second first third first first', () => {
    const balancer = new Balancer('weighted');
    const choice = toChoice(createFakes([5, 1, 1]));
    const order = Array.from({ length: 7 }, () => balancer.pick(choice, '')?.name.charAt('http://target-'.length));
    assert.equal(order.join(''), '0010200');
  });
});

describe('least_connections', () => {
  test('never chooses one that is busier for its share than another', () => {
    const random = new Random(4);
    for (let round = 0; round < ROUNDS; round++) {
      const fakes = createFakes(someShares(random));
      const balancer = new Balancer('least_connections');
      const choice = toChoice(fakes);
      for (let request = 0; request < 100; request++) {
        const picked = balancer.pick(choice, '');
        assert.ok(picked !== undefined);
        const load = ({ inFlight, share }: Fake): number => (inFlight + 1) / share;
        for (const other of fakes) assert.ok(load(picked) <= load(other) + 1e-9);
        picked.inFlight++;
        const ending = fakes[random.below(fakes.length)];
        if (ending !== undefined && ending.inFlight > 0 && random.once(2)) ending.inFlight--;
      }
    }
  });

  test('lets those who are equally busy take turns', () => {
    const balancer = new Balancer('least_connections');
    const choice = toChoice(createFakes([1, 1, 1]));
    assert.equal(new Set([1, 2, 3].map(() => balancer.pick(choice, ''))).size, 3);
  });
});

describe('ip_hash', () => {
  const KEYS = 10_000;
  const keys = (() => {
    const random = new Random(5);
    return Array.from({ length: KEYS }, () => address(random));
  })();
  const homes = (fakes: readonly Fake[]): string[] => {
    const balancer = new Balancer('ip_hash');
    const choice = toChoice(fakes);
    return keys.map((key) => balancer.pick(choice, key)?.name ?? '');
  };

  test('keeps an address with its target, in whatever order the targets stand', () => {
    const fakes = createFakes(Array.from({ length: 10 }, () => 1));
    assert.deepEqual(homes(fakes), homes(fakes.toReversed()));
  });

  test('moves the tenth that a target of ten had when it goes, and nobody else', () => {
    const fakes = createFakes(Array.from({ length: 10 }, () => 1));
    const before = homes(fakes);
    for (const gone of fakes) {
      const after = homes(fakes.filter((fake) => fake !== gone));
      const moved = keys.filter((_, i) => before[i] !== after[i]).length;
      assert.equal(moved, before.filter((home) => home === gone.name).length);
      assert.ok(Math.abs(moved / KEYS - 0.1) < 0.02, `${moved} of ${KEYS}`);
    }
  });

  test('gives a new target its part, taken from all others alike, and moves nobody else', () => {
    const fakes = createFakes(Array.from({ length: 10 }, () => 1));
    const before = homes(fakes.slice(0, 9));
    const after = homes(fakes);
    const moved = keys.map((_, i) => i).filter((i) => before[i] !== after[i]);
    for (const i of moved) assert.equal(after[i], fakes[9]?.name);
    assert.ok(Math.abs(moved.length / KEYS - 0.1) < 0.02);
    const losses = Map.groupBy(moved, (i) => before[i]);
    for (const lost of losses.values()) assert.ok(Math.abs(lost.length / moved.length - 1 / 9) < 0.05);
  });

  test('gives each target its share, and moves no more than a share that changes', () => {
    const fakes = createFakes([1, 2, 3, 4]);
    const before = homes(fakes);
    for (const { name, share } of fakes)
      assert.ok(Math.abs(before.filter((home) => home === name).length / KEYS - share / 10) < 0.02);
    const [first, ...others] = fakes;
    assert.ok(first !== undefined);
    const after = homes([{ ...first, share: 2 }, ...others]);
    for (const [i, home] of after.entries()) assert.ok(home === before[i] || home === first.name);
  });

  test('needs no weights to agree with weights that are all equal', () => {
    const fakes = createFakes([7, 7, 7]);
    const even = homes(fakes);
    const balancer = new Balancer('ip_hash');
    const choice = { members: fakes, isEven: false };
    assert.deepEqual(
      keys.map((key) => balancer.pick(choice, key)?.name),
      even,
    );
  });
});
