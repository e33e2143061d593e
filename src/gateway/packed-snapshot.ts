// A snapshot on its way to the gateway threads: texts in memory that all of them share. A thread reads of each gateway where it stands, and the
// gateway itself when it has to (docs/decisions/gateways-compiled-on-demand.md).

import { hash } from 'node:crypto';
import type { PathRules } from './route-path.ts';
import type { GatewayConfig, SnapshotConfig } from './snapshot.ts';
import { toDnsName } from './upstream/target.ts';

export interface PackedSnapshot {
  readonly version: number;
  readonly paths: PathRules | undefined;
  /** A head and a body for each gateway, in turn: JSON in UTF-8. */
  readonly texts: SharedArrayBuffer;
  /** Where each of them ends. */
  readonly ends: Uint32Array;
}

/** What is to be known of a gateway before its first request. */
export interface GatewayHead extends Pick<GatewayConfig, 'id' | 'tenantId' | 'routePrefix'> {
  readonly hosts: GatewayConfig['hosts'] | undefined;
  readonly version: GatewayConfig['version'] | undefined;
  /** Another one when anything of the gateway is another. */
  readonly digest: string;
  /** What becomes of it without any request: it is waited for, or it has something to do; or it has nothing. */
  readonly waits: 'needed' | 'active' | 'idle';
}

export class SnapshotPacker {
  readonly #texts: string[] = [];
  #sizeBytes = 0;
  readonly #ends: number[] = [];

  add(gateway: GatewayConfig): void {
    const { id, tenantId, routePrefix, hosts, version } = gateway;
    const body = JSON.stringify(gateway);
    const digest = hash('sha256', body, 'base64');
    const head: GatewayHead = { id, tenantId, routePrefix, hosts, version, digest, waits: toWaits(gateway) };
    for (const text of [JSON.stringify(head), body]) {
      this.#texts.push(text);
      this.#sizeBytes += Buffer.byteLength(text);
      this.#ends.push(this.#sizeBytes);
    }
  }

  pack({ version, paths }: Pick<SnapshotConfig, 'version' | 'paths'>): PackedSnapshot {
    const texts = new SharedArrayBuffer(this.#sizeBytes);
    const bytes = Buffer.from(texts);
    for (const [i, text] of this.#texts.entries()) bytes.write(text, this.#ends[i - 1] ?? 0);
    return { version, paths, texts, ends: Uint32Array.from(this.#ends) };
  }
}

export function packSnapshot(config: SnapshotConfig): PackedSnapshot {
  const packer = new SnapshotPacker();
  for (const gateway of config.gateways) packer.add(gateway);
  return packer.pack(config);
}

export interface PackedGateway {
  readonly head: GatewayHead;
  /** Reads its configuration; anew with each call. */
  readonly read: () => unknown;
}

export function* readPacked({ texts, ends }: PackedSnapshot): Generator<PackedGateway> {
  const bytes = Buffer.from(texts);
  const textAt = (i: number): string => bytes.toString('utf8', ends[i - 1] ?? 0, ends[i]);
  for (let i = 0; i < ends.length; i += 2) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by the packer, of the same program
    const head = JSON.parse(textAt(i)) as GatewayHead;
    yield { head, read: (): unknown => JSON.parse(textAt(i + 1)) };
  }
}

/** Without places for its names no request could be sent on; nobody but the gateway itself calls its targets to see how they are. */
function toWaits({ id, services }: GatewayConfig): GatewayHead['waits'] {
  const isNamed = services.some(({ targets }) => targets.some(({ url }) => toDnsName(url)?.kind === 'srv'));
  if (id === null || isNamed) return 'needed';
  return services.some(({ healthCheck }) => healthCheck?.check !== undefined) ? 'active' : 'idle';
}
