// Finds out whether the port can be had, before several threads share it: with SO_REUSEPORT a second program of the same user would
// not be refused, and the two would silently split the callers between them.

import { createServer } from 'node:net';
import { SettingsError } from './config.ts';

/** Answers with the port, a free one for port 0; throws a SettingsError when it cannot be listened on. */
export async function claimPort(host: string, port: number, setting = 'PORT'): Promise<number> {
  const probe = createServer();
  try {
    return await new Promise<number>((resolve, reject) => {
      probe.once('error', reject);
      probe.listen({ host, port, exclusive: true }, () => {
        const address = probe.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  } catch (cause) {
    throw toListenFault({ host, port, setting }, cause);
  } finally {
    await new Promise((resolve) => probe.close(resolve));
  }
}

interface Place {
  readonly host: string;
  readonly port: number;
  /** The setting that named the port. */
  readonly setting: string;
}

/** What kept us from listening there, in words for whoever chose the place. */
export function toListenFault(place: Place, cause: unknown): SettingsError {
  return new SettingsError([toFault(place, cause)]);
}

function toFault({ host, port, setting }: Place, cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  switch (code) {
    case 'EADDRINUSE':
      return `${setting}: ${port} is in use by another program; stop that one, or choose another port, such as TOLLGATE_${setting}=${port + 1}`;
    case 'EACCES':
      return `${setting}: ${port} needs privileges that this user does not have; choose a port above 1023`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `HOST: ${host} is not an address of this machine; use 0.0.0.0 for all, or 127.0.0.1 for this machine only`;
    default:
      return `${setting}: cannot listen on ${host}:${port} (${String(code ?? cause)})`;
  }
}
