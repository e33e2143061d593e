// Where a connection comes from that another program's node:http server took.

import type { Socket } from 'node:net';
import { toPlainAddress } from '../../lib/ip-range.ts';
import { Origin } from '../origin.ts';

export function toNodeOrigin(socket: Socket): Origin {
  const { remoteAddress = '', localPort = 0 } = socket;
  // The names that were proved are the program's affair.
  const reached = { port: localPort, names: undefined };
  return new Origin('encrypted' in socket ? 'https' : 'http', toPlainAddress(remoteAddress), reached);
}
