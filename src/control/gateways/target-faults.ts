// Targets that no gateway may lead to, as far as their addresses tell. Pure. Names are looked up later, where connections are made.

import type { GatewayConfig } from '../../gateway/snapshot.ts';
import { classifyHost } from '../../lib/address-class.ts';
import type { Fault } from '../../lib/problem.ts';

/** Whether services may stand on this machine and in private networks. */
export type PrivateTargets = 'allow' | 'refuse';

/** With paths such as `services[0].targets[1].url`. */
export function targetFaults(config: GatewayConfig, privateTargets: PrivateTargets): Fault[] {
  return config.services.flatMap(({ targets }, i) =>
    targets.flatMap(({ url }, j) => {
      const message = refusalOf(url, privateTargets);
      return message === undefined ? [] : [{ path: `services[${i}].targets[${j}].url`, message }];
    }),
  );
}

function refusalOf(url: string, privateTargets: PrivateTargets): string | undefined {
  const host = URL.parse(url)?.hostname;
  if (host === undefined || host === '') return undefined; // Told by the check of the whole.
  switch (classifyHost(host)) {
    case 'forbidden':
      return `must not lead to ${host}: it is link-local, a metadata service, or nobody's address`;
    case 'private':
      return privateTargets === 'allow'
        ? undefined
        : `must not lead to ${host}: targets in private networks are refused here (PRIVATE_TARGETS)`;
    case 'public':
      return undefined;
  }
}
