// What stands for a gateway that was checked and yet cannot be compiled: a defect, or a snapshot of another Tollgate.

import { Problem } from '../lib/problem.ts';
import type { CompileDeps } from './compile.ts';
import type { GatewayHead } from './packed-snapshot.ts';
import type { Plan } from './plan.ts';
import type { CompiledPolicy } from './policy.ts';
import { problemReply } from './problem-reply.ts';
import { toVersionRule } from './route-version.ts';
import { METHODS, type Route } from './router.ts';
import type { Timeouts } from './upstream/timeouts.ts';

const DETAIL = 'This gateway cannot be served as it was deployed; whoever runs it finds the reason in the log.';

const REFUSE: CompiledPolicy = {
  onRequest: (exchange) => problemReply(exchange, new Problem('not_ready', { detail: DETAIL })),
};

/** Nothing is sent on. */
const NO_TIME: Timeouts = { connectMs: 0, handshakeMs: 0, firstByteMs: 0, betweenBytesMs: 0, totalMs: 0 };

/** All that could be the gateway's is refused: less would let a request through to somebody else. */
export function toRefusals({ id, tenantId, routePrefix, ...head }: GatewayHead, deps: CompileDeps): Route<Plan>[] {
  const plan: Plan = {
    gatewayId: id ?? undefined,
    endpointId: undefined,
    countsRow: deps.requestCounts.rowOf(id),
    route: `${routePrefix}/*`,
    tenantId,
    service: '',
    upstream: deps.services.none({ id, tenantId }),
    stripCharacters: 0,
    rewriting: undefined,
    timeouts: NO_TIME,
    traffic: undefined,
    policies: [REFUSE],
    enders: [],
    guards: 1,
    controlToken: undefined,
  };
  const { hosts = [undefined] } = head;
  const version = toVersionRule(head.version);
  return hosts.flatMap((host) =>
    METHODS.flatMap((method) =>
      [routePrefix, `${routePrefix}/*`].map((path) => ({ method, path, host, version, value: plan })),
    ),
  );
}
