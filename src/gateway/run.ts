// The runner: route, policies in their stages, forward, answer, record. No promise is made where no policy waits.

import { Problem } from '../lib/problem.ts';
import type { Arrive } from './arrival.ts';
import type { Snapshot } from './compile.ts';
import type { Exchange, Reply } from './exchange.ts';
import type { CompiledPolicy, PolicyDeps } from './policy.ts';
import type { Plan } from './plan.ts';
import { problemReply } from './problem-reply.ts';
import type { Miss } from './router.ts';
import type { RequestCounts } from './request-counts.ts';
import { missReply, toTurningPlan } from './turn-away.ts';

export interface Forward {
  /** Sends the exchange to its plan's upstream and calls `answer` once, with the upstream's reply or a problem. */
  (exchange: Exchange, plan: Plan, answer: (exchange: Exchange, reply: Reply) => void): void;
}

export interface RunnerDeps extends PolicyDeps {
  readonly arrive: Arrive;
  readonly forward: Forward;
  readonly requestCounts: RequestCounts;
  /** Told of throws: defects, never refusals. */
  readonly onDefect: (exchange: Exchange, cause: unknown) => void;
}

export interface Runner {
  /** Takes an exchange from the edge; its responder gets the answer. */
  run(exchange: Exchange): void;
  /** The edge is done with the exchange, whatever the end was: leaves the record. */
  finish(exchange: Exchange): void;
  swap(snapshot: Snapshot): void;
}

export function createRunner(initial: Snapshot, deps: RunnerDeps): Runner {
  let snapshot = initial;

  function run(exchange: Exchange): void {
    const refused = deps.arrive(exchange);
    const found = snapshot.router.find(exchange);
    if ('miss' in found) {
      turnAway(exchange, found);
      return;
    }
    exchange.plan = found;
    if (refused !== undefined) {
      send(exchange, problemReply(exchange, refused));
      return;
    }
    walk(exchange, found, 0);
  }

  function turnAway(exchange: Exchange, found: Miss<Plan>): void {
    const plan = toTurningPlan(found);
    if (plan === undefined) {
      send(exchange, missReply(exchange, found));
      return;
    }
    exchange.plan = plan;
    walk(exchange, plan, 0);
  }

  /** Enters the policies from `index` on, then forwards. */
  function walk(exchange: Exchange, plan: Plan, index: number): void {
    for (let i = index; i < plan.policies.length; i++) {
      let result: Reply | undefined | Promise<Reply | undefined>;
      try {
        result = plan.policies[i]?.onRequest?.(exchange);
      } catch (cause) {
        result = defectReply(exchange, cause);
      }
      if (result instanceof Promise) {
        resumeAfter(result, exchange, plan, i);
        return;
      }
      if (result !== undefined) {
        leave(exchange, plan.policies, i, result);
        return;
      }
    }
    try {
      deps.forward(exchange, plan, answerForwarded);
    } catch (cause) {
      answerForwarded(exchange, defectReply(exchange, cause));
    }
  }

  function resumeAfter(pending: Promise<Reply | undefined>, exchange: Exchange, plan: Plan, index: number): void {
    pending
      .catch((cause: unknown) => defectReply(exchange, cause))
      .then((reply) => {
        if (exchange.clientGone) return;
        if (reply === undefined) walk(exchange, plan, index + 1);
        else leave(exchange, plan.policies, index, reply);
      })
      .catch((cause: unknown) => deps.onDefect(exchange, cause));
  }

  function answerForwarded(exchange: Exchange, reply: Reply): void {
    const policies = exchange.plan?.policies ?? [];
    leave(exchange, policies, policies.length - 1, reply);
  }

  /** Goes back through the policies that were entered, the last one first, and answers. */
  function leave(exchange: Exchange, policies: readonly CompiledPolicy[], last: number, reply: Reply): void {
    let final = reply;
    for (let i = last; i >= 0; i--) {
      try {
        policies[i]?.onResponse?.(exchange, final);
      } catch (cause) {
        if (final.body !== undefined && 'cancel' in final.body) final.body.cancel();
        final = defectReply(exchange, cause);
      }
    }
    send(exchange, final);
  }

  function end(policy: CompiledPolicy, exchange: Exchange): void {
    try {
      policy.onEnd?.(exchange);
    } catch (cause) {
      deps.onDefect(exchange, cause);
    }
  }

  function defectReply(exchange: Exchange, cause: unknown): Reply {
    deps.onDefect(exchange, cause);
    return problemReply(exchange, new Problem('internal_error', { detail: 'Something broke inside Tollgate.', cause }));
  }

  return {
    run,
    finish(exchange) {
      if (exchange.recorded) return;
      exchange.recorded = true;
      if (exchange.plan !== undefined) for (const policy of exchange.plan.enders) end(policy, exchange);
      const durationMs = deps.clock.monotonicMs() - exchange.startedTick;
      deps.requestCounts.count(exchange, durationMs);
      deps.usage.record(exchange, durationMs);
    },
    swap(next) {
      snapshot = next;
    },
  };
}

function send(exchange: Exchange, reply: Reply): void {
  exchange.status = reply.status;
  exchange.responder.send(reply);
}
