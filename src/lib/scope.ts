// Scopes: `resource:action`, in both spellings of the contract, with wildcards. Pure.
//
// `read:requests` and `requests:read` are one scope. `x:write` is create, update and delete of x together. `*` matches any rest.
// `admin:x:action` is a management permission and keeps its order.

const ACTIONS: ReadonlySet<string> = new Set(['read', 'write', 'create', 'update', 'delete', '*']);
const WRITES: readonly string[] = ['create', 'update', 'delete'];
const WRITE = ':write';

/** What a scope may look like: two to four words joined by colons, or a star. At most 100 characters. */
export const SCOPE_PATTERN = '^(\\*|[a-z][a-z0-9_.-]*(:(\\*|[a-z0-9_.-]+)){1,3})$';

/** The one spelling in which scopes are compared: `resource:action`. */
export function normalizeScope(scope: string): string {
  const [first = '', second, third] = scope.split(':');
  if (second === undefined || third !== undefined || first === 'admin') return scope;
  return ACTIONS.has(first) && !ACTIONS.has(second) ? `${second}:${first}` : scope;
}

/** Whether the granted scopes cover the required one. Both in normal spelling. */
export function hasScope(granted: readonly string[], required: string): boolean {
  for (const scope of granted) if (covers(scope, required)) return true;
  if (!required.endsWith(WRITE)) return false;
  const resource = required.slice(0, 1 - WRITE.length);
  return WRITES.every((action) => granted.some((scope) => covers(scope, resource + action)));
}

function covers(granted: string, required: string): boolean {
  if (granted === required || granted === '*') return true;
  if (granted.endsWith(':*')) return required.startsWith(granted.slice(0, -1));
  if (!granted.endsWith(WRITE)) return false;
  const resource = granted.slice(0, 1 - WRITE.length);
  return required.startsWith(resource) && WRITES.includes(required.slice(resource.length));
}
