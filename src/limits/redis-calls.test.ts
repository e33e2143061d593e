// How long a call may take, on timers that the test moves, over a connection that does what the test says.

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { DEFAULT_TIMEOUT_MS } from './redis.ts';
import { type CallConnection, RedisCalls } from './redis-calls.ts';

/** What the issue allows for all that comes to a request when Redis is away. */
const BOUND_MS = 20;

class FakeConnection implements CallConnection {
  isReady = true;
  replaced = 0;
  readonly sent: (PromiseWithResolvers<unknown> & { readonly name: string | undefined })[] = [];

  send(_key: string, [name]: readonly string[]): Promise<unknown> {
    const answer = { ...Promise.withResolvers<unknown>(), name };
    this.sent.push(answer);
    return answer.promise;
  }

  /** Answers the first command of this name that waits. */
  async answer(name: string, reply: unknown): Promise<void> {
    const at = this.sent.findIndex((one) => one.name === name);
    const [one] = this.sent.splice(at, 1);
    if (at < 0 || one === undefined) assert.fail(`nobody waits for ${name}`);
    if (reply instanceof Error) one.reject(reply);
    else one.resolve(reply);
    await one.promise.catch(() => {});
    await Promise.resolve();
  }

  learn(): void {}

  replace(): void {
    this.replaced++;
  }

  close(): void {}
}

class Scene {
  readonly connection = new FakeConnection();
  readonly told: string[] = [];
  readonly calls: RedisCalls;
  nowMs = 0;
  readonly #context: TestContext;

  static async start(context: TestContext): Promise<Scene> {
    const scene = new Scene(context);
    scene.calls.hear(true, undefined);
    await scene.connection.answer('PING', 'PONG');
    return scene;
  }

  private constructor(context: TestContext) {
    this.#context = context;
    context.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
    this.calls = new RedisCalls({
      timeoutMs: DEFAULT_TIMEOUT_MS,
      onChange: (isUp) => this.told.push(isUp ? 'up' : 'down'),
      onRefusal: (cause) => this.told.push(cause?.message ?? 'counts'),
      monotonicMs: () => this.nowMs,
    });
    this.calls.attach(this.connection);
  }

  /** What became of a call, from then on. */
  make(name = 'EVALSHA', deadlineMs?: number): { end: string; late: unknown } {
    const seen = { end: 'waits', late: undefined as unknown };
    this.calls.make('key', [name], {
      deadlineMs,
      succeed: (reply) => (seen.end = String(reply)),
      fail: (cause) => (seen.end = cause.message),
      answerLate: (reply) => (seen.late = reply),
    });
    return seen;
  }

  /** With what is put off to the next turn of the event loop in each millisecond. */
  async pass(ms: number): Promise<void> {
    for (let i = 0; i < ms; i++) {
      this.nowMs++;
      this.#context.mock.timers.tick(1);
      await nextTurn();
    }
  }
}

describe('calls to Redis', () => {
  it('fail when their time is over, and no millisecond later; the time is shorter than the bound', async (t) => {
    const scene = await Scene.start(t);
    const call = scene.make();
    await scene.pass(DEFAULT_TIMEOUT_MS - 1);
    assert.equal(call.end, 'waits');
    await scene.pass(1);
    assert.equal(call.end, 'Redis did not answer in time');
    assert.ok(DEFAULT_TIMEOUT_MS < BOUND_MS);
  });

  it('that are made again have no more time than they had left', async (t) => {
    const scene = await Scene.start(t);
    await scene.pass(5);
    const [later, again] = [scene.make(), scene.make('EVAL', DEFAULT_TIMEOUT_MS)];
    await scene.pass(DEFAULT_TIMEOUT_MS - 5);
    // The timer was set for the one that was made first.
    await scene.pass(5);
    assert.deepEqual([later.end, again.end], Array(2).fill('Redis did not answer in time'));
  });

  it('fail all together with the first that was too late, and at once from then on', async (t) => {
    const scene = await Scene.start(t);
    const first = scene.make();
    await scene.pass(DEFAULT_TIMEOUT_MS - 1);
    const others = [scene.make(), scene.make()];
    await scene.pass(1);
    for (const { end } of [first, ...others]) assert.equal(end, 'Redis did not answer in time');
    assert.equal(scene.make().end, 'Redis is away');
    assert.deepEqual(scene.told, ['up', 'down']);
  });

  it('fail at once when the connection breaks', async (t) => {
    const scene = await Scene.start(t);
    const call = scene.make();
    scene.connection.isReady = false;
    scene.calls.hear(false, new Error('it broke'));
    assert.equal(call.end, 'it broke');
    assert.equal(scene.make().end, 'Redis is away');
  });

  it('are made again only when a ping was answered in time, and the late answers are told as late', async (t) => {
    const scene = await Scene.start(t);
    const call = scene.make();
    await scene.pass(DEFAULT_TIMEOUT_MS);
    await scene.pass(100);
    await scene.pass(DEFAULT_TIMEOUT_MS + 1);
    await scene.connection.answer('EVALSHA', 'late');
    assert.deepEqual(call, { end: 'Redis did not answer in time', late: 'late' });
    await scene.connection.answer('PING', 'PONG');
    assert.equal(scene.calls.isUp, false, 'the ping was too late as well');
    await scene.pass(100 - DEFAULT_TIMEOUT_MS - 1);
    await scene.connection.answer('PING', 'PONG');
    assert.equal(scene.calls.isUp, true);
    assert.deepEqual(scene.told, ['up', 'down', 'up']);
  });

  it('have a connection that stays silent replaced', async (t) => {
    const scene = await Scene.start(t);
    scene.make();
    await scene.pass(DEFAULT_TIMEOUT_MS + 100 + 3100);
    assert.equal(scene.connection.replaced, 1);
  });

  it('are told of once when Redis refuses them, and once when it does not any more', async (t) => {
    const scene = await Scene.start(t);
    for (const name of ['first', 'second']) {
      const call = scene.make(name);
      await scene.connection.answer(name, new Error('OOM command not allowed'));
      assert.equal(call.end, 'OOM command not allowed');
    }
    scene.make('script');
    await scene.connection.answer('script', new Error('NOSCRIPT No matching script'));
    for (const name of ['third', 'fourth']) {
      scene.make(name);
      await scene.connection.answer(name, 'well');
    }
    assert.deepEqual(scene.told, ['up', 'OOM command not allowed', 'counts']);
    assert.equal(scene.calls.isUp, true);
  });
});
