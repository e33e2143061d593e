// Looks up where the name of a target leads, and leaves out where no request may ever go. The socket goes to the very addresses that were looked at:
// a name that leads elsewhere the next time it is asked for has won nothing.

import { lookup as lookUpAll, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { classifyHost } from '../../lib/address-class.ts';
import { UpstreamFault } from './failure.ts';

/** Whether services may stand on this machine and in private networks. */
export type PrivateTargets = 'allow' | 'refuse';

/** All addresses of a name, as the system knows them. */
export type Resolve = (
  name: string,
  done: (cause: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void,
) => void;

export const resolveBySystem: Resolve = (name, done) =>
  // Of a name that it does not know, the system tells the cause and nothing else, whatever the types say.
  lookUpAll(name, { all: true }, (cause, addresses) => done(cause, cause === null ? addresses : []));

/** For hosts that are names; `refusalOf` says it of those that are addresses. */
export function createGuardedLookup(privateTargets: PrivateTargets, resolve: Resolve): LookupFunction {
  return (host, { all, family }, done) => {
    resolve(host, (cause, found) => {
      const wanted = found.filter((one) => (family !== 4 && family !== 6) || one.family === family);
      const reachable = wanted.filter(({ address }) => isIP(address) !== 0 && isAllowed(address, privateTargets));
      const [chosen] = reachable;
      if (cause !== null) done(cause, '');
      else if (chosen === undefined) done(toFault(host, wanted[0]?.address), '');
      else if (all === true) done(null, reachable);
      else done(null, chosen.address, chosen.family);
    });
  };
}

/** Why no connection may be made to this host, as far as it tells itself; undefined when one may, or its addresses will tell. */
export function refusalOf(host: string, privateTargets: PrivateTargets): Error | undefined {
  return isAllowed(host, privateTargets) ? undefined : toFault(host, undefined);
}

function isAllowed(host: string, privateTargets: PrivateTargets): boolean {
  switch (classifyHost(host)) {
    case 'public':
      return true;
    case 'private':
      return privateTargets === 'allow';
    case 'forbidden':
      return false;
  }
}

function toFault(host: string, address: string | undefined): UpstreamFault {
  const where = address === undefined ? host : `${host} (${address})`;
  return new UpstreamFault('upstream_unreachable', 'destination_ip_prohibited', `no request may go to ${where}`);
}
