// Sends an exchange to one of its plan's targets and turns what comes back into a Reply.

import type { Clock } from '../../lib/clock.ts';
import { Problem } from '../../lib/problem.ts';
import type { BodySource } from '../body.ts';
import type { Exchange, HeaderList, Reply } from '../exchange.ts';
import type { Plan, Target } from '../plan.ts';
import { problemReply } from '../problem-reply.ts';
import type { Forward } from '../run.ts';
import type { Failure } from './failure.ts';
import { toCallerHeaders } from './answer-headers.ts';
import { toUpstreamHeaders } from './request-headers.ts';
import type { CallEvents, Transport } from './call.ts';

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
    const target = nextTarget(plan);
    exchange.target = target.url;
    const call = {
      target,
      method: exchange.method,
      path: toUpstreamPath(exchange, plan, target),
      headers: toUpstreamHeaders(exchange, plan, deps.pseudonym),
      body: exchange.body,
      tunnel: exchange.tunnel,
      timeoutMs: plan.timeoutMs,
    };
    exchange.upstreamCall = deps.transport.send(call, new PendingAnswer(exchange, answer, deps));
  };
}

class PendingAnswer implements CallEvents {
  readonly #exchange: Exchange;
  readonly #answer: Answer;
  readonly #deps: ForwardDeps;
  readonly #sentTick: number;

  constructor(exchange: Exchange, answer: Answer, deps: ForwardDeps) {
    this.#exchange = exchange;
    this.#answer = answer;
    this.#deps = deps;
    this.#sentTick = deps.clock.monotonicMs();
  }

  onInterim(status: number, headers: HeaderList): void {
    this.#exchange.responder.sendInterim(status, toCallerHeaders(headers, this.#deps.pseudonym));
  }

  onHead(status: number, headers: HeaderList, body: BodySource): void {
    const exchange = this.#exchange;
    exchange.upstreamMs = this.#deps.clock.monotonicMs() - this.#sentTick;
    this.#answer(exchange, { status, headers: toCallerHeaders(headers, this.#deps.pseudonym), body });
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

/** Removes the first `count` characters, counting a percent-encoded one (`%64`) as the one character that the router matched. */
export function stripPrefix(path: string, count: number): string {
  let end = 0;
  for (let i = 0; i < count; i++) end += path.charAt(end) === '%' ? 3 : 1;
  const rest = path.slice(end);
  return rest.startsWith('/') ? rest : `/${rest}`;
}
