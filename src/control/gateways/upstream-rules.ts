// What holds for a service beyond its schema. Pure.

import type { UpstreamService } from '../../db/publishing-schema.ts';
import { isReservedField, parseTemplate, toFieldKey } from '../../lib/field-template.ts';
import { secretFaults } from './service-secrets.ts';
import { checkPathRule } from '../../lib/path-rewrite.ts';
import type { Fault } from '../../lib/problem.ts';

/** Paths are below `at`. */
export function upstreamFaults(service: Partial<UpstreamService>, at: string): Fault[] {
  const faults: Fault[] = [];
  if (service.timeout !== undefined && service.timeoutSeconds !== undefined) {
    faults.push({ path: `${at}.timeoutSeconds`, message: 'goes without timeout: send one of the two' });
  }
  for (const [pattern, replacement] of Object.entries(service.pathRewrite ?? {})) {
    const message = pattern.length > MAX_PATTERN ? TOO_LONG : checkPathRule({ pattern, replacement });
    if (message !== undefined) faults.push({ path: `${at}.pathRewrite[${JSON.stringify(pattern)}]`, message });
  }
  const { headers, requestHeaders, responseHeaders } = service;
  faults.push(...namedFaults(headers, `${at}.headers`), ...doubleFaults(headers, requestHeaders?.set, at));
  faults.push(...changeFaults(requestHeaders, `${at}.requestHeaders`));
  faults.push(...changeFaults(responseHeaders, `${at}.responseHeaders`));
  faults.push(...secretFaults(service, at));
  return faults;
}

const MAX_PATTERN = 500;
const TOO_LONG = `has more than ${MAX_PATTERN} characters`;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;

function changeFaults(changes: UpstreamService['requestHeaders'], at: string): Fault[] {
  const { set, add, remove = [] } = changes ?? {};
  const removed = remove.flatMap((name, i) => nameFaults(name, `${at}.remove[${i}]`));
  return [...namedFaults(set, `${at}.set`), ...namedFaults(add, `${at}.add`), ...removed];
}

function namedFaults(values: Readonly<Record<string, string>> | undefined, at: string): Fault[] {
  const seen = new Set<string>();
  return Object.entries(values ?? {}).flatMap(([name, value]) => {
    const path = `${at}[${JSON.stringify(name)}]`;
    const isSecond = seen.has(toFieldKey(name));
    seen.add(toFieldKey(name));
    if (isSecond) return [{ path, message: 'is there twice: names are the same in any case' }];
    const parsed = parseTemplate(value);
    const faults = nameFaults(name, path);
    return typeof parsed === 'string' ? faults.concat({ path, message: parsed }) : faults;
  });
}

function nameFaults(name: string, path: string): Fault[] {
  if (!TOKEN.test(name)) return [{ path, message: 'must be the name of a header, at most 100 characters' }];
  return isReservedField(name) ? [{ path, message: RESERVED }] : [];
}

const RESERVED = 'cannot be changed: it frames or routes messages, or Tollgate vouches for it';

function doubleFaults(
  headers: Readonly<Record<string, string>> | undefined,
  set: Readonly<Record<string, string>> | undefined,
  at: string,
): Fault[] {
  const names = new Set(Object.keys(set ?? {}).map(toFieldKey));
  return Object.keys(headers ?? {})
    .filter((name) => names.has(toFieldKey(name)))
    .map((name) => ({ path: `${at}.headers[${JSON.stringify(name)}]`, message: 'is in requestHeaders.set as well' }));
}
