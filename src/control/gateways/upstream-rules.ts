// What holds for a service beyond its schema. Pure.

import type { UpstreamService } from '../../db/publishing-schema.ts';
import type { Fault } from '../../lib/problem.ts';

/** Paths are below `at`. */
export function upstreamFaults(service: Pick<UpstreamService, 'timeout' | 'timeoutSeconds'>, at: string): Fault[] {
  if (service.timeout === undefined || service.timeoutSeconds === undefined) return [];
  return [{ path: `${at}.timeoutSeconds`, message: 'goes without timeout: send one of the two' }];
}
