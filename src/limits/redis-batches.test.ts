// Which orders go out together, and what becomes of each of them, over a Redis that answers what the test says.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { NOON_MS } from './limiter.conformance.ts';
import { type Posting, RedisBatches } from './redis-batches.ts';
import type { Call } from './redis-calls.ts';
import { RedisCheckSetMaker } from './redis-checks.ts';
import type { Command } from './resp.ts';
import { TAKE_SCRIPT } from './take-script.ts';

interface Sent {
  readonly command: Command;
  readonly call: Call;
  readonly isPatient: boolean;
}

/** What the script answers: the time, and for each order, of one check, whether it was admitted. */
function toAnswer(admitted: readonly boolean[], atMs = NOON_MS): Buffer {
  const minute = Math.floor(atMs / 60_000);
  const numbers = [minute, atMs - minute * 60_000, ...admitted.flatMap((isSo) => [isSo ? 1 : 0, 1, minute + 60, 0])];
  const bytes = Buffer.alloc(numbers.length * 4);
  for (const [i, number] of numbers.entries()) bytes.writeUInt32LE(number, i * 4);
  return bytes;
}

class Scene {
  readonly sent: Sent[] = [];
  readonly ends: string[] = [];
  /** Calls that were given a deadline, which is their number. */
  made = 0;
  readonly batches: RedisBatches;
  readonly #maker = new RedisCheckSetMaker('test:');

  constructor() {
    const keep = (isPatient: boolean) => (_key: string, command: Command, call: Call) => {
      call.deadlineMs ??= ++this.made;
      this.sent.push({ command, call, isPatient });
    };
    const calls = { make: keep(false), makePatiently: keep(true) };
    this.batches = new RedisBatches({ calls, nowMs: () => NOON_MS, isTimeGiven: false });
  }

  add(name: string, more: Partial<Posting> & { readonly group?: string } = {}): void {
    const { group = 'ten_1', ...rest } = more;
    this.batches.add({
      operation: 'take',
      set: this.#maker.make(group, [{ subject: name, limit: { window: 'hour', limit: 9 } }]),
      cost: 1,
      names: '',
      minute: 0,
      isPatient: false,
      succeed: ({ isAdmitted }) => this.ends.push(`${name} ${isAdmitted ? 'admitted' : 'refused'}`),
      fail: ({ message }) => this.ends.push(`${name} ${message}`),
      answerLate: ({ isAdmitted }) => this.ends.push(`${name} late ${isAdmitted ? 'admitted' : 'refused'}`),
      ...rest,
    });
  }

  /** What was sent since, after the turn has ended. */
  async take(): Promise<Sent[]> {
    await nextTurn();
    return this.sent.splice(0);
  }

  async takeOne(): Promise<Sent> {
    const [sent, ...others] = await this.take();
    assert.deepEqual(others, []);
    return sent ?? assert.fail('nothing was sent');
  }
}

/** The keys of a command. */
function keysOf({ command }: Sent): string[] {
  return command.slice(3, 3 + Number(command[2])).map(String);
}

describe('orders to Redis', () => {
  it('of one turn go out in one command, with every key once, and are each told their own end', async () => {
    const scene = new Scene();
    for (const name of ['a', 'b', 'a']) scene.add(name);
    const sent = await scene.takeOne();
    assert.deepEqual(keysOf(sent), ['test:v2:{ten_1}:a', 'test:v2:{ten_1}:b']);
    sent.call.succeed(toAnswer([true, false, true]));
    assert.deepEqual(scene.ends, ['a admitted', 'b refused', 'a admitted']);
  });

  it('go out in several commands when they are many: Redis serves nobody else during one', async () => {
    const scene = new Scene();
    for (let i = 0; i < 40; i++) scene.add(`c${i}`);
    const sent = await scene.take();
    assert.deepEqual(
      sent.map((one) => keysOf(one).length),
      [16, 16, 8],
    );
    assert.deepEqual(keysOf(sent[0] ?? assert.fail())[15], 'test:v2:{ten_1}:c15');
  });

  it('that nobody waits for go apart from those that have to come to an end in time', async () => {
    const scene = new Scene();
    scene.add('a');
    scene.add('b', { operation: 'refund', isPatient: true });
    assert.deepEqual(
      (await scene.take()).map(({ isPatient }) => isPatient),
      [false, true],
    );
  });

  it('are sent again with the script when Redis does not know it, and by its name from then on', async () => {
    const scene = new Scene();
    scene.add('a');
    (await scene.takeOne()).call.fail(new Error('NOSCRIPT No matching script'));
    const again = await scene.takeOne();
    assert.deepEqual(again.command.slice(0, 2), ['EVAL', TAKE_SCRIPT]);
    assert.equal(again.call.deadlineMs, 1, 'with the deadline of the first call');
    again.call.succeed(toAnswer([true]));
    scene.add('b');
    assert.equal((await scene.takeOne()).command[0], 'EVALSHA');
    assert.deepEqual(scene.ends, ['a admitted']);
  });

  it('are told apart by their groups when Redis keeps those in different places, and from then on', async () => {
    const scene = new Scene();
    for (const group of ['ten_1', 'ten_2']) scene.add(`of ${group}`, { group });
    scene.add('more', { group: 'ten_1' });
    (await scene.takeOne()).call.fail(new Error('CROSSSLOT Keys in request'));
    const [first, second] = await scene.take();
    assert.ok(first !== undefined && second !== undefined);
    assert.deepEqual(keysOf(first), ['test:v2:{ten_1}:of ten_1', 'test:v2:{ten_1}:more']);
    assert.deepEqual(keysOf(second), ['test:v2:{ten_2}:of ten_2']);
    second.call.succeed(toAnswer([true]));
    first.call.succeed(toAnswer([true, false]));
    assert.deepEqual(scene.ends, ['of ten_2 admitted', 'of ten_1 admitted', 'more refused']);
    for (const group of ['ten_1', 'ten_2']) scene.add('later', { group });
    assert.equal((await scene.take()).length, 2);
  });

  it('are sent again when the server has another time, with the windows of that; and not for ever', async () => {
    const scene = new Scene();
    scene.add('a');
    const first = await scene.takeOne();
    first.call.succeed(toAnswer([], NOON_MS + 5 * 3_600_000));
    const second = await scene.takeOne();
    assert.notDeepEqual(second.command[4], first.command[4]);
    second.call.succeed(toAnswer([]));
    for (let i = 0; i < 2; i++) (await scene.takeOne()).call.succeed(toAnswer([]));
    assert.deepEqual(scene.ends, ['a the clock of Redis does not stand still']);
  });

  it('fail together, and are told of a late answer each', async () => {
    const scene = new Scene();
    for (const name of ['a', 'b']) scene.add(name);
    const { call } = await scene.takeOne();
    call.fail(new Error('Redis did not answer in time'));
    call.answerLate(toAnswer([true, false]));
    assert.deepEqual(scene.ends, [
      'a Redis did not answer in time',
      'b Redis did not answer in time',
      'a late admitted',
      'b late refused',
    ]);
  });

  it('fail when the answer has another form', async () => {
    const scene = new Scene();
    const answers = ['OK', [1, 2], toAnswer([true]), toAnswer([true, true]).subarray(1), Buffer.alloc(0), null];
    for (const answer of answers) {
      for (const name of ['a', 'b']) scene.add(name);
      (await scene.takeOne()).call.succeed(answer);
      assert.deepEqual(
        scene.ends.splice(0).map((end) => end.slice(0, 21)),
        ['a the script answered', 'b the script answered'],
      );
    }
  });
});
