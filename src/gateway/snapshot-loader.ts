// Takes in a snapshot beside the requests: read, checked and compiled a gateway at a time, with a look at the sockets in between. What is
// as it was is not compiled again, so that a deploy costs what it changes.

import { compileGateway, type CompileDeps, type Snapshot } from './compile.ts';
import type { Plan } from './plan.ts';
import type { PathRules } from './route-path.ts';
import { openRouter, type Route } from './router.ts';
import { checkSchema, isGatewayConfig, openCheck, SnapshotConfig, type GatewayConfig } from './snapshot.ts';

/** A snapshot on its way between threads: a JSON text for each gateway, which costs less to take apart than objects do. */
export interface PackedSnapshot {
  readonly version: number;
  readonly paths: PathRules | undefined;
  readonly gateways: readonly string[];
}

export function packSnapshot({ version, paths, gateways }: SnapshotConfig): PackedSnapshot {
  return { version, paths, gateways: gateways.map((gateway) => JSON.stringify(gateway)) };
}

export interface SnapshotLoader {
  /** A snapshot to swap in, or what is wrong with it in lines to read; then what was loaded before goes on being known. */
  load(packed: PackedSnapshot): Promise<Snapshot | readonly string[]>;
}

export interface LoaderDeps extends CompileDeps {
  /** Lets everybody else have a turn. */
  readonly pause: () => Promise<void>;
}

/** How long requests may wait for one step. */
const SLICE_MS = 0.25;

interface Loaded {
  readonly config: GatewayConfig;
  readonly routes: readonly Route<Plan>[];
}

export function createSnapshotLoader(deps: LoaderDeps): SnapshotLoader {
  let known: ReadonlyMap<string, Loaded> = new Map();

  return {
    async load(packed) {
      const slices = openSlices(deps);
      const configs: GatewayConfig[] = [];
      for (const text of packed.gateways) {
        const config: unknown = known.get(text)?.config ?? JSON.parse(text);
        if (!isGatewayConfig(config)) return describeForm(config, configs.length);
        configs.push(config);
        await slices.end();
      }

      const check = openCheck(
        { gateways: configs, ...(packed.paths !== undefined && { paths: packed.paths }) },
        deps.policies,
      );
      const faults: string[] = [];
      for (const [i, config] of configs.entries()) {
        faults.push(...check(config, i).map(({ path, message }) => `${path}: ${message}`));
        await slices.end();
      }
      if (faults.length > 0) return faults;

      const loaded = new Map<string, Loaded>();
      const router = openRouter<Plan>(packed.paths);
      const plans = new Set<Plan>();
      for (const [i, config] of configs.entries()) {
        const text = packed.gateways[i] ?? '';
        const one = known.get(text) ?? { config, routes: compileGateway(config, deps) };
        loaded.set(text, one);
        for (const route of one.routes) {
          router.add(route);
          plans.add(route.value);
        }
        await slices.end();
      }
      known = loaded;
      return { version: packed.version, router, plans: [...plans] };
    },
  };
}

interface Slices {
  /** Pauses when the time of this slice is over. */
  end(): Promise<void> | undefined;
}

function openSlices({ clock, pause }: LoaderDeps): Slices {
  let begin = clock.monotonicMs();
  return {
    end() {
      if (clock.monotonicMs() - begin < SLICE_MS) return undefined;
      return pause().then(() => {
        begin = clock.monotonicMs();
      });
    },
  };
}

function describeForm(gateway: unknown, index: number): string[] {
  const faults = checkSchema(SnapshotConfig.properties.gateways.items, gateway, `gateways[${index}]`);
  return faults.map(({ path, message }) => `${path}: ${message}`);
}
