// Host + method + path + version → whatever stands there (in a gateway thread: a Plan). A tree of paths for each host.
//
// Which route a request takes, the first difference deciding:
//   1. what is reserved (the management API) before what is published;
//   2. its very host, then `*.host` with the longest name, then any host;
//   3. segment by segment from the left: text, then a parameter, then a star, of those that know the method;
//   4. the version it asks for, then the route that is there for all or for who asks for none.

import { addTo, choose, type Leaf, newLeaf, type Slot } from './route-leaf.ts';
import { createPathReader, type PathRules, STRICT_PATHS, toPattern } from './route-path.ts';
import { addPath, type Branch, branchAt, branchOf, isParameter, newBranch } from './route-tree.ts';
import type { VersionRule } from './route-version.ts';

export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

export type Method = (typeof METHODS)[number];

/** Why a request leads nowhere. `near` is the plainest of what stands at its path. */
export type Miss<Value> =
  | { readonly miss: 'ambiguous' }
  | { readonly miss: 'moved'; readonly path: string }
  | { readonly miss: 'not-found' }
  | { readonly miss: 'version'; readonly near: Value; readonly offered: readonly VersionRule[] }
  | { readonly miss: 'method'; readonly near: Value; readonly allowed: readonly Method[] }
  /** OPTIONS where no endpoint of that method is: the gateway answers itself. */
  | { readonly miss: 'options'; readonly near: Value | undefined; readonly allowed: readonly Method[] };

export interface Route<Value> {
  readonly method: Method;
  /** The public path, `{name}` and a closing `*` allowed. */
  readonly path: string;
  readonly value: Value;
  /** `api.example.com`, `*.example.com`; every host when absent. In lower case. */
  readonly host?: string | undefined;
  readonly version?: VersionRule | undefined;
  /** Comes before all others, whatever the host. */
  readonly isReserved?: boolean;
}

/** Of a request, what its way depends on. */
export interface RoutedRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** The authority that the caller asked at. */
  readonly host: string | undefined;
  /** Flat: name, value, … Asked for only where the way depends on it. */
  readonly headers: readonly string[];
}

export interface Router<Value> {
  find(request: RoutedRequest): Value | Miss<Value>;
}

/** Routes that are told when the first request comes to where they may be. */
export interface Mount<Value> extends Pick<Route<Value>, 'host' | 'isReserved'> {
  /** All of their paths begin so: plain segments, or nothing. */
  readonly prefix: string;
  /** Those of this host, with others or without. Called once, in the midst of a look-up: it must not throw, nor look anything up. */
  readonly routes: () => readonly Route<Value>[];
}

/** A router that is still being filled. */
export interface GrowingRouter<Value> extends Router<Value> {
  add(route: Route<Value>): void;
  /** As if its routes were added here and now. */
  mount(mount: Mount<Value>): void;
}

const GET = METHODS.indexOf('GET');
const HEAD = METHODS.indexOf('HEAD');
const OPTIONS = METHODS.indexOf('OPTIONS');
/** Between two walks: what is over is not held. */
const NO_REQUEST: RoutedRequest = { method: '', path: '', host: undefined, headers: [] };

export function createRouter<Value extends object>(
  routes: readonly Route<Value>[],
  rules: PathRules = STRICT_PATHS,
): Router<Value> {
  const router = openRouter<Value>(rules);
  for (const route of routes) router.add(route);
  return router;
}

export function openRouter<Value extends object>(rules: PathRules = STRICT_PATHS): GrowingRouter<Value> {
  return new TreeRouter<Value>(rules);
}

/** Two routes that share a key would be in each other's way. Parameters differ in name only. */
export function routeKeys(route: Omit<Route<unknown>, 'value' | 'isReserved'>, rules: PathRules): string[] {
  const { method, path, host = '', version } = route;
  const segments = toSegments(path, rules).map((segment) => (isParameter(segment) ? '{}' : segment));
  const common = `${method} ${host}/${segments.join('/')}`;
  if (version === undefined) return [common];
  const own = `${common} ${version.by} ${version.name}=${version.value}`;
  return version.isDefault ? [common, own] : [own];
}

/** The segments of a public path, as they are compared; the one before the first slash is left out. */
export function toSegments(path: string, rules: PathRules): string[] {
  return toPattern(path, rules).split('/').slice(1);
}

export function isMethod(method: string): method is Method {
  return (METHODS as readonly string[]).includes(method);
}

class TreeRouter<Value extends object> implements GrowingRouter<Value> {
  readonly #rules: PathRules;
  readonly #ignoresLastSlash: boolean;
  readonly #read: ReturnType<typeof createPathReader>;
  readonly #reserved = newBranch<Leaf<Value>>();
  readonly #anyHost = newBranch<Leaf<Value>>();
  readonly #hosts = new Map<string, Branch<Leaf<Value>>>();
  #rank = 0;

  // What one walk needs and finds. Here, so that none of it is allocated: a walk never waits.
  #method = 0;
  #request: RoutedRequest = NO_REQUEST;
  #mask = 0;
  #near: Value | undefined = undefined;
  #offered: VersionRule[] | undefined = undefined;

  constructor(rules: PathRules) {
    this.#rules = rules;
    this.#ignoresLastSlash = rules.trailingSlash === 'ignore';
    this.#read = createPathReader(rules);
  }

  add(route: Route<Value>): void {
    this.#add(route, this.#rank++);
  }

  mount(mount: Mount<Value>): void {
    const branch = branchOf(this.#rootOf(mount), toSegments(mount.prefix, this.#rules));
    const rank = this.#rank++;
    (branch.pending ??= []).push(() => {
      for (const route of mount.routes()) if (route.host === mount.host) this.#add(route, rank);
    });
  }

  #add(route: Route<Value>, rank: number): void {
    const segments = toSegments(route.path, this.#rules);
    const leaf = addPath(this.#rootOf(route), segments, () => newLeaf(route.value, rank));
    addTo(leaf, { value: route.value, method: indexOf(route.method), version: route.version, rank });
  }

  find(request: RoutedRequest): Value | Miss<Value> {
    const { method, path } = request;
    if (path === '*' && method === 'OPTIONS') return { miss: 'options', near: undefined, allowed: METHODS };
    const copy = this.#read(path);
    if (copy === undefined) return { miss: 'ambiguous' };
    if (typeof copy !== 'string') return { miss: 'moved', path: copy.movedTo };
    this.#method = indexOf(method);
    this.#request = request;
    this.#mask = 0;
    this.#near = undefined;
    this.#offered = undefined;
    const found = this.#search(copy) ?? this.#toMiss();
    this.#request = NO_REQUEST;
    return found;
  }

  #rootOf({ host, isReserved }: Pick<Route<Value>, 'host' | 'isReserved'>): Branch<Leaf<Value>> {
    if (isReserved === true) return this.#reserved;
    if (host === undefined) return this.#anyHost;
    const known = this.#hosts.get(host) ?? newBranch<Leaf<Value>>();
    this.#hosts.set(host, known);
    return known;
  }

  #search(path: string): Value | undefined {
    const reserved = this.#walk(this.#reserved, path, 0);
    if (reserved !== undefined) return reserved;
    if (this.#hosts.size > 0) {
      const found = this.#searchHosts(path, toHostName(this.#request.host ?? ''));
      if (found !== undefined) return found;
    }
    return this.#walk(this.#anyHost, path, 0);
  }

  #searchHosts(path: string, host: string): Value | undefined {
    const own = this.#hosts.get(host);
    const found = own === undefined ? undefined : this.#walk(own, path, 0);
    if (found !== undefined) return found;
    for (let dot = host.indexOf('.'); dot > 0; dot = host.indexOf('.', dot + 1)) {
      const wide = this.#hosts.get(`*${host.slice(dot)}`);
      const wideFound = wide === undefined ? undefined : this.#walk(wide, path, 0);
      if (wideFound !== undefined) return wideFound;
    }
    return undefined;
  }

  /** Depth first, the plainest branch first; no branch is visited twice. `at` is the slash behind what led here, or the end. */
  #walk(branch: Branch<Leaf<Value>>, path: string, at: number): Value | undefined {
    if (branch.pending !== undefined) unfold(branch);
    if (at === path.length) {
      const found = branch.end === undefined ? undefined : this.#take(branch.end);
      // Where a slash at the end does not count, `/files/*` is at `/files` too.
      if (found !== undefined || !this.#ignoresLastSlash) return found;
    } else {
      const slash = path.indexOf('/', at + 1);
      const end = slash < 0 ? path.length : slash;
      const child = branchAt(branch, path, at + 1, end);
      const found = child === undefined ? undefined : this.#walk(child, path, end);
      if (found !== undefined) return found;
      // A parameter is never empty: `/users/` may well be `/users` to the upstream.
      if (branch.parameter !== undefined && end > at + 1) {
        const inside = this.#walk(branch.parameter, path, end);
        if (inside !== undefined) return inside;
      }
    }
    return branch.star === undefined ? undefined : this.#take(branch.star);
  }

  #take(leaf: Leaf<Value>): Value | undefined {
    if (leaf.method === this.#method || (leaf.method === GET && this.#method === HEAD)) return leaf.first;
    const slot = slotOf(leaf, this.#method);
    if (slot !== undefined) {
      const chosen = choose(slot, this.#request.headers);
      if (chosen !== undefined) return chosen;
      (this.#offered ??= []).push(...slot.versions.map(({ rule }) => rule));
    }
    this.#near ??= leaf.first;
    this.#mask |= leaf.mask;
    return undefined;
  }

  #toMiss(): Miss<Value> {
    const near = this.#near;
    if (near === undefined) return { miss: 'not-found' };
    if (this.#offered !== undefined) return { miss: 'version', near, offered: this.#offered };
    const mask = this.#mask | (1 << OPTIONS) | (((this.#mask >> GET) & 1) << HEAD);
    const allowed = METHODS.filter((_, i) => (mask & (1 << i)) !== 0);
    return this.#method === OPTIONS ? { miss: 'options', near, allowed } : { miss: 'method', near, allowed };
  }
}

/** HEAD is answered by what answers GET, where it has no endpoint of its own. */
function slotOf<Value>(leaf: Leaf<Value>, method: number): Slot<Value> | undefined {
  return leaf.slots?.[method] ?? (method === HEAD ? leaf.slots?.[GET] : undefined);
}

/** All that hangs here stands below it. */
function unfold(branch: Branch<unknown>): void {
  const { pending = [] } = branch;
  branch.pending = undefined;
  for (const add of pending) add();
}

function indexOf(method: string): number {
  return (METHODS as readonly string[]).indexOf(method);
}

/** In lower case, without its port; empty when there is none. */
function toHostName(authority: string): string {
  const end = authority.startsWith('[') ? authority.indexOf(']') + 1 : authority.indexOf(':');
  return (end > 0 ? authority.slice(0, end) : authority).toLowerCase();
}
