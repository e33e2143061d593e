// Where a service listens: the URL of a target, taken apart once; and, where it is a name that DNS knows, one of the places that it leads to.

import { isIP } from 'node:net';
import type { Place, Target, TargetTls } from '../plan.ts';

/** What is asked of DNS. */
export interface DnsName {
  /** `srv`: its records tell hosts, ports, weights and priorities. */
  readonly kind: 'host' | 'srv';
  readonly name: string;
}

const SRV = /^(https?)\+srv:/i;
/** RFC 2782: service, protocol, domain. */
const SERVICE = /^_[a-z0-9-]+\._[a-z0-9-]+\./;

export function toTarget(url: string, tls?: TargetTls, place?: Place): Target {
  if (url.startsWith('unix:')) {
    return {
      url: 'control',
      origin: 'http://control',
      authority: 'control',
      basePath: '',
      socketPath: url.slice('unix:'.length),
      place: undefined,
      tls: undefined,
    };
  }
  const { host, protocol, pathname } = new URL(url.replace(SRV, '$1:'));
  // A service is known by its domain: that is what stands in Host, and what its certificate has to prove. As long as nobody knows where it is,
  // its full name is nobody's, so that nothing goes to the domain itself.
  const authority = SRV.test(url) ? host.replace(SERVICE, '') : host;
  const origin = `${protocol}//${place === undefined ? host : authority}`;
  return { url, origin, authority, basePath: pathname.replace(/\/+$/, ''), socketPath: undefined, place, tls };
}

/** Undefined for addresses, and for names of this machine. */
export function toDnsName(url: string): DnsName | undefined {
  if (url.startsWith('unix:')) return undefined;
  const { hostname } = new URL(url.replace(SRV, '$1:'));
  if (SRV.test(url)) return { kind: 'srv', name: hostname };
  const isOwn = hostname.startsWith('[') || isIP(hostname) !== 0 || /(?:^|\.)localhost\.?$/.test(hostname);
  return isOwn ? undefined : { kind: 'host', name: hostname };
}

/** What is wrong with a target, or undefined. The control plane alone is reached by a Unix socket. */
export function checkTarget(url: string, isManagement: boolean): string | undefined {
  if (isManagement && url.startsWith('unix:')) return undefined;
  const parsed = URL.parse(url.replace(SRV, '$1:'));
  if (parsed === null || (parsed.protocol !== 'http:' && parsed.protocol !== 'https:'))
    return 'must be an http:// or https:// URL';
  if (parsed.username !== '' || parsed.password !== '') return 'must not hold credentials';
  if (parsed.search !== '' || parsed.hash !== '') return 'must not have a query or a fragment';
  if (!SRV.test(url)) return undefined;
  if (parsed.port !== '') return 'must not name a port: SRV records tell it';
  return SERVICE.test(parsed.hostname) ? undefined : 'must name a service, such as http+srv://_api._tcp.example.com';
}
