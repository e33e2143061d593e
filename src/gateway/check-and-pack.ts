// The one place where a snapshot is checked on its way to the gateway threads: before it is packed, and away from the requests. Threads take
// what they are handed for sound.

import { systemClock } from '../lib/clock.ts';
import { nextTurn } from '../lib/next-turn.ts';
import { SnapshotPacker, type PackedSnapshot } from './packed-snapshot.ts';
import type { Policy } from './policy.ts';
import { openSlices } from './slices.ts';
import { checkSchema, isGatewayConfig, openCheck, SnapshotConfig } from './snapshot.ts';

/** How long the rest of the thread waits for one step. */
const SLICE_MS = 1;

/** The snapshot for the threads. Throws all that is wrong with it. */
export async function checkAndPack(config: SnapshotConfig, policies: readonly Policy[]): Promise<PackedSnapshot> {
  const slices = openSlices(SLICE_MS, { clock: systemClock, pause: nextTurn });
  const faults: string[] = [];
  for (const [i, gateway] of config.gateways.entries()) {
    if (!isGatewayConfig(gateway)) faults.push(...describeForm(gateway, i));
    await slices.end();
  }
  refuse(faults);

  const check = openCheck(config, policies);
  const packer = new SnapshotPacker();
  for (const [i, gateway] of config.gateways.entries()) {
    faults.push(...check(gateway, i).map(({ path, message }) => `${path}: ${message}`));
    packer.add(gateway);
    await slices.end();
  }
  refuse(faults);
  return packer.pack(config);
}

function refuse(faults: readonly string[]): void {
  if (faults.length > 0) throw new Error(`the snapshot cannot be served: ${faults.join('; ')}`);
}

function describeForm(gateway: unknown, index: number): string[] {
  const faults = checkSchema(SnapshotConfig.properties.gateways.items, gateway, `gateways[${index}]`);
  return faults.map(({ path, message }) => `${path}: ${message}`);
}
