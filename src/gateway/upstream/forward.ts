// Sends an exchange to one of its plan's targets and turns what comes back into a Reply.

import type { Clock } from '../../lib/clock.ts';
import { Problem } from '../../lib/problem.ts';
import type { BodySource } from '../body.ts';
import { headerValue, type Exchange, type Reply } from '../exchange.ts';
import type { Plan, Target } from '../plan.ts';
import { problemReply } from '../problem-reply.ts';
import type { Forward } from '../run.ts';
import type { Failure } from './failure.ts';
import { CONTENT_LENGTH, hasKind } from '../wire/field-kind.ts';
import type { Fields } from '../wire/fields.ts';
import { toCallerList, withoutConnectionOptions } from './hop-headers.ts';
import { toUpstreamLines } from './request-headers.ts';
import type { Call, CallEvents, Transport } from './call.ts';
import type { Timeouts } from './timeouts.ts';

type Answer = (exchange: Exchange, reply: Reply) => void;

export interface ForwardDeps {
  readonly transport: Transport;
  readonly clock: Clock;
  /** Our name in `Via`. */
  readonly pseudonym: string;
  /** Told why a call failed, for the log; callers are told less. */
  readonly onFailure: (exchange: Exchange, failure: Failure) => void;
}

export function createForward(deps: ForwardDeps): Forward {
  return (exchange, plan, answer) => {
    const call = new ForwardedCall(exchange, plan, { answer, deps });
    exchange.upstreamCall = deps.transport.send(call, call);
  };
}

/** A call that carries an exchange, and what becomes of it. */
class ForwardedCall implements Call, CallEvents {
  readonly target: Target;
  readonly path: string;
  readonly lines: string;
  readonly #exchange: Exchange;
  readonly #plan: Plan;
  readonly #answer: Answer;
  readonly #deps: ForwardDeps;
  readonly #sentTick: number;

  constructor(exchange: Exchange, plan: Plan, { answer, deps }: { answer: Answer; deps: ForwardDeps }) {
    this.target = nextTarget(plan);
    this.path = toUpstreamPath(exchange, plan, this.target);
    this.lines = toUpstreamLines(exchange, plan, deps.pseudonym);
    this.#exchange = exchange;
    this.#plan = plan;
    this.#answer = answer;
    this.#deps = deps;
    this.#sentTick = deps.clock.monotonicMs();
    exchange.target = this.target.url;
  }

  get method(): string {
    return this.#exchange.method;
  }

  get isLengthKnown(): boolean {
    return hasKind(this.#exchange.fields.kinds, CONTENT_LENGTH);
  }

  get body(): BodySource | undefined {
    return this.#exchange.body;
  }

  get tunnel(): BodySource | undefined {
    return this.#exchange.tunnel;
  }

  get websocketKey(): string | undefined {
    return headerValue(this.#exchange.headers, 'sec-websocket-key');
  }

  get timeouts(): Timeouts {
    return this.#plan.timeouts;
  }

  onInterim(status: number, fields: Fields): void {
    const { pseudonym } = this.#deps;
    this.#exchange.responder.sendInterim(status, [...toCallerList(fields), 'via', `1.1 ${pseudonym}`]);
  }

  onHead(status: number, fields: Fields, body: BodySource): void {
    const exchange = this.#exchange;
    exchange.upstreamMs = this.#deps.clock.monotonicMs() - this.#sentTick;
    this.#answer(exchange, {
      status,
      fields: withoutConnectionOptions(fields),
      drops: 0,
      headers: [],
      lines: '',
      body,
    });
  }

  onFailure(failure: Failure): void {
    const exchange = this.#exchange;
    if (exchange.clientGone) return; // Our own cancelling; nobody is there to be answered.
    this.#deps.onFailure(exchange, failure);
    const headers = ['proxy-status', `tollgate; error=${failure.proxyError}`];
    this.#answer(exchange, problemReply(exchange, new Problem(failure.code, { headers, cause: failure.cause })));
  }
}

/** Round robin, each thread for itself. */
function nextTarget(plan: Plan): Target {
  const target = plan.targets[plan.turn % plan.targets.length];
  if (target === undefined) throw new Error('a plan without targets was compiled');
  plan.turn = (plan.turn + 1) % plan.targets.length;
  return target;
}

/** Path and query byte for byte as they came, less the prefix when the plan strips it. */
function toUpstreamPath(exchange: Exchange, plan: Plan, target: Target): string {
  const rest = plan.stripCharacters === 0 ? exchange.path : stripPrefix(exchange.path, plan.stripCharacters);
  return target.basePath + rest + exchange.query;
}

/**
 * Removes the first `count` characters as the router counted them: a percent-encoded one (`%64`) is one, and so are slashes in a row. An
 * encoded slash is what begins the rest only where it parts segments.
 */
export function stripPrefix(path: string, count: number): string {
  let end = 0;
  for (let i = 0; i < count; i++) {
    const character = path.charAt(end);
    end += character === '%' ? 3 : 1;
    if (character === '/') end = skipSlashes(path, end);
  }
  const rest = path.slice(end);
  if (rest.startsWith('/')) return rest;
  return `/${/^%2f/i.test(rest) ? rest.slice(3) : rest}`;
}

function skipSlashes(path: string, from: number): number {
  let end = from;
  while (path.charAt(end) === '/') end++;
  return end;
}
