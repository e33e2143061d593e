// Sends an exchange to one of its plan's targets and turns what comes back into a Reply.

import type { Clock } from '../../lib/clock.ts';
import { Problem } from '../../lib/problem.ts';
import type { BodySource } from '../body.ts';
import { headerValue, type Cancellable, type Exchange, type Reply } from '../exchange.ts';
import type { Plan } from '../plan.ts';
import { problemReply } from '../problem-reply.ts';
import type { Forward } from '../run.ts';
import type { Failure } from './failure.ts';
import { CONTENT_LENGTH, hasKind } from '../wire/field-kind.ts';
import type { Fields } from '../wire/fields.ts';
import { toCallerList, withoutConnectionOptions } from './hop-headers.ts';
import { toUpstreamLines } from './request-headers.ts';
import type { Call, CallEnd, CallEvents, Transport } from './call.ts';
import { waitForRoom } from './line.ts';
import type { Member } from './member.ts';
import { type CopyTo, createCopyTo, type Mirror } from './mirror.ts';
import { ReplayBody } from './replay-body.ts';
import { mayRepeat, pauseMs, retryAfterMs } from './retry.ts';
import { toRest, type Timeouts } from './timeouts.ts';
import { toAuthority, toUpstreamPath } from './upstream-path.ts';

type Answer = (exchange: Exchange, reply: Reply) => void;

export interface ForwardDeps {
  readonly transport: Transport;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Calls back once after so many milliseconds, unless it is cancelled before. */
  readonly later: (callback: () => void, ms: number) => Cancellable;
  /** Our name in `Via`. */
  readonly pseudonym: string;
  /** Told why a call failed, for the log; callers are told less. */
  readonly onFailure: (exchange: Exchange, failure: Failure) => void;
}

export function createForward(deps: ForwardDeps): Forward {
  const copyTo = createCopyTo(deps);
  return (exchange, routed, answer) => {
    const { traffic } = routed;
    const plan = traffic?.split?.choose(exchange) ?? routed;
    exchange.plan = plan;
    if (plan.rewriting?.isLocked === true) {
      answer(exchange, problemReply(exchange, new Problem('upstream_locked')));
      return;
    }
    const path = toUpstreamPath(exchange, plan);
    if (path === undefined) {
      answer(exchange, problemReply(exchange, new Problem('ambiguous_path')));
      return;
    }
    const terms = { answer, deps, path, copyTo, mirror: traffic?.mirror };
    const member = plan.upstream.pick(exchange.clientAddress);
    if (member !== undefined) {
      new ForwardedCall(exchange, plan, member, terms).send();
      return;
    }
    waitForRoom(exchange, plan, {
      later: deps.later,
      restMs: plan.timeouts.firstByteMs,
      onRoom: (free) => new ForwardedCall(exchange, plan, free, terms).send(),
      onNone: (reply = circuitOpen(exchange, plan)) => answer(exchange, reply),
    });
  };
}

interface ForwardedTerms {
  readonly answer: Answer;
  readonly deps: ForwardDeps;
  readonly path: string;
  readonly copyTo: CopyTo;
  readonly mirror: Mirror | undefined;
}

/** A call that carries an exchange to one of its targets, or to several until one of them answers; and what becomes of it. */
class ForwardedCall implements Call, CallEvents {
  target: Member;
  /** Below the base path of the target, without the query. */
  readonly #path: string;
  readonly lines: string;
  readonly body: BodySource | undefined;
  timeouts: Timeouts;
  readonly #exchange: Exchange;
  readonly #plan: Plan;
  readonly #answer: Answer;
  readonly #deps: ForwardDeps;
  readonly #startTick: number;
  #sentTick: number;
  #epoch: number;
  /** The target has shown how it does. */
  #isKnown = false;
  /** Those that were called in vain. */
  #tried: readonly Member[] = NOBODY;

  constructor(exchange: Exchange, plan: Plan, target: Member, { answer, deps, path, copyTo, mirror }: ForwardedTerms) {
    const body = mirror === undefined ? exchange.body : copyTo(mirror, exchange);
    this.target = target;
    this.#path = path;
    this.lines = toUpstreamLines(exchange, plan, deps.pseudonym);
    this.body = body && toCallBody(exchange, body, plan);
    this.timeouts = plan.timeouts;
    this.#exchange = exchange;
    this.#plan = plan;
    this.#answer = answer;
    this.#deps = deps;
    this.#startTick = deps.clock.monotonicMs();
    this.#sentTick = this.#startTick;
    this.#epoch = target.begin();
    exchange.target = target.url;
    plan.upstream.retries?.budget.onRequest();
  }

  get method(): string {
    return this.#exchange.method;
  }

  get path(): string {
    return this.target.basePath + this.#path + this.#exchange.query;
  }

  get authority(): string {
    return toAuthority(this.#exchange, this.#plan, this.target);
  }

  get isLengthKnown(): boolean {
    return hasKind(this.#exchange.fields.kinds, CONTENT_LENGTH);
  }

  get isRepeatable(): boolean {
    const { body } = this;
    return (body === undefined || (body instanceof ReplayBody && body.isWhole)) && mayRepeat(this.#exchange);
  }

  get tunnel(): BodySource | undefined {
    return this.#exchange.tunnel;
  }

  get websocketKey(): string | undefined {
    return headerValue(this.#exchange.headers, 'sec-websocket-key');
  }

  send(): void {
    this.#exchange.upstreamCall = this.#deps.transport.send(this, this);
  }

  onReached(): void {
    this.target.onReached();
  }

  /** One request finds out what becomes of the target; the others go elsewhere while nothing of them was sent. */
  onStuck(): void {
    const exchange = this.#exchange;
    const { retries } = this.#plan.upstream;
    if (this.target.onStuck(this) || retries === undefined) return;
    const next = this.#plan.upstream.pickOther(exchange.clientAddress, [...this.#tried, this.target]);
    if (next === undefined) return;
    exchange.upstreamCall?.cancel();
    this.#sendTo(next);
  }

  onInterim(status: number, fields: Fields): void {
    const { pseudonym } = this.#deps;
    this.#exchange.responder.sendInterim(status, [
      ...toCallerList(this.#toAnswerFields(fields), 1 << CONTENT_LENGTH), // RFC 9110 §8.6
      'via',
      `1.1 ${pseudonym}`,
    ]);
  }

  onHead(status: number, fields: Fields, body: BodySource): void {
    const exchange = this.#exchange;
    this.#isKnown = this.target.onHead(status, this.#epoch);
    if (status >= 400 && this.#isRetried(status, fields, body)) return;
    exchange.upstreamMs = this.#deps.clock.monotonicMs() - this.#sentTick;
    this.#answer(exchange, {
      status,
      fields: this.#toAnswerFields(withoutConnectionOptions(fields)),
      drops: 0,
      headers: [],
      lines: this.#plan.rewriting?.response?.linesOf(exchange, this.#plan) ?? '',
      body,
    });
  }

  #toAnswerFields(fields: Fields): Fields {
    const changes = this.#plan.rewriting?.response;
    return changes === undefined ? fields : changes.dropFrom(fields);
  }

  onFailure(failure: Failure): void {
    const exchange = this.#exchange;
    this.target.onFailure(failure, this.#epoch);
    if (exchange.clientGone) return; // Our own cancelling; nobody is there to be answered.
    this.#deps.onFailure(exchange, failure);
    if (!failure.isSent || this.isRepeatable) {
      const pause = this.#pauseBeforeRetry({ isFree: !failure.isSent });
      if (pause !== undefined) {
        this.#sendAgain(pause);
        return;
      }
    }
    const headers = ['proxy-status', `tollgate; error=${failure.proxyError}`];
    this.#refuse(problemReply(exchange, new Problem(failure.code, { headers, cause: failure.cause })));
  }

  onEnd(end: CallEnd): void {
    this.target.onEnd(end, this.#epoch, this.#isKnown);
  }

  /** Whether the answer is dropped, and the call made again. */
  #isRetried(status: number, fields: Fields, body: BodySource): boolean {
    const { retries } = this.#plan.upstream;
    if (retries === undefined || !retries.rules.statuses.includes(status) || !this.isRepeatable) return false;
    const asked = retryAfterMs(headerValue(fields.list(), 'retry-after'), this.#deps.clock.nowMs());
    const pause = this.#pauseBeforeRetry({ askedMs: asked });
    if (pause === undefined) return false;
    body.cancel();
    this.#sendAgain(pause);
    return true;
  }

  /**
   * How long to wait before the next try; undefined when there will be none. `askedMs` is what the target asked for. Where nothing was sent,
   * nobody had any load from the last one: the next is free of the budget.
   */
  #pauseBeforeRetry({ askedMs = 0, isFree = false }): number | undefined {
    const { upstream } = this.#plan;
    const { retries } = upstream;
    if (retries === undefined || this.#tried.length >= retries.rules.attempts) return undefined;
    const tried = [...this.#tried, this.target];
    const isAlone = upstream.pickOther(this.#exchange.clientAddress, tried) === undefined;
    const pause = isAlone ? Math.max(pauseMs(tried.length, this.#deps.random()), askedMs) : 0;
    // The time for the first byte is that of all tries together.
    const { firstByteMs, totalMs } = this.#plan.timeouts;
    if (this.#elapsedMs() + pause >= Math.min(firstByteMs, totalMs)) return undefined;
    if (!isFree && !retries.budget.take()) return undefined;
    this.#tried = tried;
    return pause;
  }

  #sendAgain(pause: number): void {
    if (this.body instanceof ReplayBody) this.body.suspend();
    if (pause === 0) this.#sendToNext();
    else this.#exchange.upstreamCall = this.#deps.later(() => this.#sendToNext(), pause);
  }

  #sendToNext(): void {
    const exchange = this.#exchange;
    const { upstream } = this.#plan;
    const next = upstream.pickOther(exchange.clientAddress, this.#tried) ?? upstream.pick(exchange.clientAddress);
    if (next !== undefined) {
      this.#sendTo(next);
      return;
    }
    waitForRoom(exchange, this.#plan, {
      later: this.#deps.later,
      restMs: this.#plan.timeouts.firstByteMs - this.#elapsedMs(),
      onRoom: (member) => this.#sendTo(member),
      onNone: (reply = circuitOpen(exchange, this.#plan)) => this.#refuse(reply),
    });
  }

  #sendTo(next: Member): void {
    const exchange = this.#exchange;
    this.target = next;
    this.timeouts = toRest(this.#plan.timeouts, this.#elapsedMs());
    this.#sentTick = this.#deps.clock.monotonicMs();
    this.#epoch = next.begin();
    this.#isKnown = false;
    exchange.target = next.url;
    this.send();
  }

  #elapsedMs(): number {
    return this.#deps.clock.monotonicMs() - this.#startTick;
  }

  #refuse(reply: Reply): void {
    this.body?.cancel();
    this.#answer(this.#exchange, reply);
  }
}

const NOBODY: readonly Member[] = [];

/** Of requests that may be sent again, the body is kept while it passes. */
function toCallBody(exchange: Exchange, body: BodySource, plan: Plan): BodySource {
  return plan.upstream.retries !== undefined && mayRepeat(exchange) ? new ReplayBody(body) : body;
}

function circuitOpen(exchange: Exchange, plan: Plan): Reply {
  const seconds = Math.max(1, Math.ceil(plan.upstream.waitMs() / 1000));
  const headers = ['retry-after', String(seconds), 'proxy-status', 'tollgate; error=destination_unavailable'];
  return problemReply(exchange, new Problem('circuit_open', { headers }));
}
