// A socket on its way to a target. The one place where connections to targets are made, and where the guard against targets that no caller may be
// led to stands.

import { connect, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Target } from '../plan.ts';
import { readShared, takeReads, type TakeBytes } from '../shared-reads.ts';
import {
  createGuardedLookup,
  refusalOf,
  resolveBySystem,
  type PrivateTargets,
  type Resolve,
} from './guarded-lookup.ts';

/** Told on `connect`, or, over TLS, on `secureConnect`. What it reads goes to `take`. */
export type OpenSocket = (target: Target, take: TakeBytes) => Socket;

export function createOpenSocket(privateTargets: PrivateTargets, resolve: Resolve = resolveBySystem): OpenSocket {
  const guarded = createGuardedLookup(privateTargets, resolve);

  return (target, take) => {
    const onread = readShared(take);
    if (target.socketPath !== undefined)
      return readDirectly(connect({ path: target.socketPath, allowHalfOpen: true, onread }), take);
    const { hostname, port: named, protocol } = new URL(target.origin);
    const name = hostname.replaceAll(/^\[|\]$/g, '');
    // The very address that was found: nobody looks the name up again.
    const host = target.place?.address ?? name;
    const port = target.place?.port ?? Number(named || (protocol === 'https:' ? 443 : 80));
    const refusal = refusalOf(host, privateTargets) ?? refusalOf(name, privateTargets);
    // A name is looked up, an address is not: the refusal is what the look-up comes to.
    const place = refusal === undefined ? { host, lookup: guarded } : { host: REFUSED, lookup: refuseWith(refusal) };
    if (protocol !== 'https:') {
      const plain = connect({ ...place, port, noDelay: true, allowHalfOpen: true, onread });
      return readDirectly(plain, take);
    }
    // RFC 6066 §3: an address is no server name; the certificate is held against the host in any case.
    const servername = target.tls?.serverName ?? (isIP(name) === 0 ? name : undefined);
    const way = { ...place, port, allowHalfOpen: true };
    const socket = connectTls({
      ...way,
      ...(servername !== undefined && { servername }),
      ...(target.tls !== undefined && { secureContext: target.tls.context }),
      ALPNProtocols: ['http/1.1'],
    });
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => take(chunk, chunk.length));
    return socket;
  };
}

const REFUSED = 'refused.invalid';

function refuseWith(refusal: Error): LookupFunction {
  return (_host, _options, done) => process.nextTick(done, refusal, '');
}

/** Once it is connected: several addresses are tried with a handle each. */
function readDirectly(socket: Socket, take: TakeBytes): Socket {
  return socket.once('connect', () => takeReads(socket, take));
}
