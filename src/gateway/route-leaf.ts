// What is published at one path: mostly one endpoint, so that the rest is kept apart. Methods are told by their place in a list.

import { statedVersions, type VersionRule } from './route-version.ts';

/** No method's place; not what an unknown method is found at. */
const NONE = -2;

export interface Leaf<Value> {
  /** Of all that is here, what was published first. */
  first: Value;
  rank: number;
  /** The place of its method while it is the only one, and for every version; else NONE. */
  method: number;
  /** By the place of the method. */
  slots: (Slot<Value> | undefined)[] | undefined;
  /** A bit for each method that is there. */
  mask: number;
}

/** What stands at one path for one method: at most one for all versions, and any number for one each. */
export interface Slot<Value> {
  common: Value | undefined;
  /** Whether `common` answers for every version, or only where none is asked for. */
  isForAll: boolean;
  readonly versions: { readonly rule: VersionRule; readonly value: Value; readonly rank: number }[];
}

export interface Leafed<Value> {
  readonly value: Value;
  /** The place of its method. */
  readonly method: number;
  readonly version: VersionRule | undefined;
  /** What is published first has the lowest; it may come here last. */
  readonly rank: number;
}

export function newLeaf<Value>(first: Value, rank: number): Leaf<Value> {
  return { first, rank, method: NONE, slots: undefined, mask: 0 };
}

export function addTo<Value>(leaf: Leaf<Value>, { method, version, value, rank }: Leafed<Value>): void {
  if (leaf.mask === 0 && version === undefined) {
    leaf.method = method;
    leaf.mask = 1 << method;
    return;
  }
  const slots = leaf.slots ?? [];
  if (leaf.method !== NONE) slots[leaf.method] = newSlot(leaf.first);
  const slot = slots[method] ?? newSlot<Value>(undefined);
  slots[method] = slot;
  leaf.slots = slots;
  leaf.method = NONE;
  leaf.mask |= 1 << method;
  if (rank < leaf.rank) {
    leaf.first = value;
    leaf.rank = rank;
  }
  if (version !== undefined) {
    slot.versions.push({ rule: version, value, rank });
    slot.versions.sort((a, b) => a.rank - b.rank);
  }
  if (version !== undefined && !version.isDefault) return;
  slot.common = value;
  slot.isForAll = version === undefined;
}

function newSlot<Value>(common: Value | undefined): Slot<Value> {
  return { common, isForAll: common !== undefined, versions: [] };
}

/** What the headers ask for; undefined when that is a version that is not here. */
export function choose<Value>(slot: Slot<Value>, headers: readonly string[]): Value | undefined {
  let isStated = false;
  let best = Infinity;
  let chosen: Value | undefined;
  for (const { rule, value } of slot.versions) {
    const stated = statedVersions(rule, headers);
    if (stated.length > 0) isStated = true;
    const rank = stated.indexOf(rule.value);
    if (rank >= 0 && rank < best) {
      best = rank;
      chosen = value;
    }
  }
  return chosen ?? (isStated && !slot.isForAll ? undefined : slot.common);
}
