// Where a service listens: the URL of a target, taken apart once.

import type { Target, TargetTls } from '../plan.ts';

export function toTarget(url: string, tls?: TargetTls): Target {
  if (url.startsWith('unix:')) {
    return {
      url: 'control',
      origin: 'http://control',
      authority: 'control',
      basePath: '',
      socketPath: url.slice('unix:'.length),
      tls: undefined,
    };
  }
  const { host, origin, pathname } = new URL(url);
  return { url, origin, authority: host, basePath: pathname.replace(/\/+$/, ''), socketPath: undefined, tls };
}
