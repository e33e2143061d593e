// Names as the DNS servers of this machine know them.

import { lookup, Resolver } from 'node:dns/promises';
import { networkInterfaces } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { createAskName, type NameServers } from './ask-name.ts';
import { type PrivateTargets, refusalOf } from './guarded-lookup.ts';
import { createNames, type Names } from './names.ts';

const QUERY_TIMEOUT_MS = 2000;
const QUERY_TRIES = 2;

export function createSystemNames(
  privateTargets: PrivateTargets,
  servers: NameServers = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: QUERY_TRIES }),
): Names {
  return createNames({
    ask: createAskName({
      servers,
      hasFamily,
      lookUp: (name) => Promise.race([lookup(name, { all: true }), patience()]),
      isAllowed: (address) => refusalOf(address, privateTargets) === undefined,
    }),
    later(callback, ms) {
      // Nothing that has to be done before the program may end.
      const timer = globalThis.setTimeout(callback, ms).unref();
      return { cancel: () => clearTimeout(timer) };
    },
  });
}

/** The system may wait much longer for servers that are away. */
async function patience(): Promise<never> {
  await setTimeout(QUERY_TIMEOUT_MS * QUERY_TRIES, undefined, { ref: false });
  throw new Error('the system takes too long to look a name up');
}

function hasFamily(family: 4 | 6): boolean {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.some((one) => !one.internal && one.family === `IPv${family}` && !one.address.startsWith('fe80:'));
}
