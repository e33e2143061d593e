// Method + path → whatever stands there (in a gateway thread: a Plan). A thin hand on find-my-way, Fastify's own radix router.

import FindMyWay, { type HTTPMethod } from 'find-my-way';

export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

export type Method = (typeof METHODS)[number];

/** Why a path leads nowhere. */
export type Miss =
  | { readonly miss: 'ambiguous' }
  | { readonly miss: 'not-found' }
  | { readonly miss: 'method'; readonly allowed: readonly Method[] };

export interface Route<Value> {
  readonly method: Method;
  /** The public path, `{name}` and a closing `*` allowed. */
  readonly path: string;
  readonly value: Value;
}

export interface Router<Value> {
  find(method: string, path: string): Value | Miss;
}

// `.` and `..` as segments, plain or percent-encoded: an upstream may resolve them to a path that other rules protect. Some
// (Tomcat's kin) take what follows a semicolon off a segment before they do.
const DOT_SEGMENT = /(?:^|\/|%2f|\\|%5c)(?:\.|%2e){1,2}(?:$|\/|%2f|\\|%5c|;|%3b)/i;

const SLASH = 47;

export function createRouter<Value extends object>(routes: readonly Route<Value>[]): Router<Value> {
  const tree = FindMyWay({ caseSensitive: true, maxParamLength: 8192 });
  const values = new Map<unknown, Value>();
  for (const route of routes) {
    const handler = (): void => {};
    values.set(handler, route.value);
    tree.on(route.method, toPattern(route.path), handler);
  }
  const lookUp = (method: HTTPMethod, path: string): Value | undefined => {
    const found = tree.find(method, path);
    return found === null ? undefined : values.get(found.handler);
  };

  return {
    find(method, path) {
      // Other forms of target (RFC 9112 §3.2) and fragments: the tree would cut off what the upstream then gets to see.
      if (path.charCodeAt(0) !== SLASH || path.includes('#')) return { miss: 'ambiguous' };
      if (path.includes('.') || path.includes('%')) {
        if (DOT_SEGMENT.test(path) || !isWellEncoded(path)) return { miss: 'ambiguous' };
      }
      const value = isMethod(method) ? lookUp(method, path) : undefined;
      if (value !== undefined) return value;
      const allowed = METHODS.filter((other) => lookUp(other, path) !== undefined);
      return allowed.length > 0 ? { miss: 'method', allowed } : { miss: 'not-found' };
    },
  };
}

/** Two paths with the same key lead to the same place: parameters differ in name only. */
export function routeKey(method: string, path: string): string {
  return `${method} ${toPattern(path).replaceAll(/:[^/]+/g, ':')}`;
}

/** `/users/{id}` and `/users/:id` → find-my-way's `/users/:id`. It compares decoded text, so its patterns are decoded. */
export function toPattern(path: string): string {
  return decodeURI(path.replaceAll(/\{([^{}/]+)\}/g, ':$1'));
}

export function isMethod(method: string): method is Method {
  return (METHODS as readonly string[]).includes(method);
}

export function isWellEncoded(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}
