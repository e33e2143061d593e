// What the node tells of itself to a monitoring system. Everything about all tenants is in it: it is for the networks that a setting names.

import { Type } from 'typebox';
import { EXPOSITION_TYPE } from '../../lib/exposition.ts';
import { Problem } from '../../lib/problem.ts';
import { isLoopback } from '../caller.ts';
import { publicOperation, type Context, type Operation } from '../operation.ts';

const Exposition = Type.String({ description: 'The text format 0.0.4 of Prometheus.' });

const metrics = publicOperation({
  id: 'getMetrics',
  method: 'GET',
  path: '/metrics',
  summary: 'Metrics of this node, for Prometheus',
  description:
    'For the networks of the setting `METRICS_NETWORKS`; 403 for everybody else. docs/metrics.md tells what each metric means.',
  tag: 'Health',
  replies: {},
  streams: [EXPOSITION_TYPE],
  compact: { path: '/metrics', reply: Exposition, present: ({ data }) => data },
  async handle(_input, context) {
    checkNetwork(context);
    const text = await context.services.metrics.scrape();
    return { mediaType: EXPOSITION_TYPE, chunks: once(text) };
  },
});

/** The address is that of whoever is behind the trusted proxies. Behind another one on this machine, nobody is known to be local. */
function checkNetwork({ services, clientAddress, forwarded }: Context): void {
  if (!services.metrics.isAllowed(clientAddress)) {
    const detail = `Metrics are not for ${clientAddress}: whoever runs Tollgate can add it, or its network, to the setting \`METRICS_NETWORKS\`.`;
    throw new Problem('network_not_allowed', { detail });
  }
  if (forwarded && isLoopback(clientAddress)) {
    const detail =
      'The call came through a proxy on the machine of Tollgate, and could be anybody’s: scrape Tollgate itself.';
    throw new Problem('network_not_allowed', { detail });
  }
}

async function* once(text: string): AsyncGenerator<string> {
  yield text;
}

export const METRICS_OPERATIONS: readonly Operation[] = [metrics];
