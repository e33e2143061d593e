// What holds for gateways and endpoints beyond their schema. Pure.

import type { Traffic } from '../../db/publishing-schema.ts';
import type { RateLimit } from '../../db/schema.ts';
import { checkSnapshot, type EndpointConfig } from '../../gateway/snapshot.ts';
import type { Fault } from '../../lib/problem.ts';
import { rateLimitFaults } from '../rate-limit.ts';
import type { CreateEndpoint } from './endpoint-schema.ts';
import type { UpdateGateway } from './schema.ts';
import { toTraffic } from './traffic-config.ts';
import { upstreamFaults } from './upstream-rules.ts';

const MAX_PREFIX_CHARACTERS = 100;

/** What stands in a path must not mean anything there. */
const PATH_VERSION = /^[A-Za-z0-9._~-]*[A-Za-z0-9_~-][A-Za-z0-9._~-]*$/;

export function gatewayFaults(body: UpdateGateway): Fault[] {
  const faults: Fault[] = [];
  const fault = (path: string, message: string): void => void faults.push({ path: `body.${path}`, message });
  const seen = new Set<string>();
  body.upstreamServices?.forEach((service, i) => {
    const { name } = service;
    if (seen.has(name)) fault(`upstreamServices[${i}].name`, `${name} is there twice`);
    seen.add(name);
    faults.push(...upstreamFaults(service, `body.upstreamServices[${i}]`));
  });
  if (body.cors?.allowCredentials === true && body.cors.allowOrigins.includes('*')) {
    fault(
      'cors.allowCredentials',
      'goes with origins that are named only: browsers take no cookies where all are allowed',
    );
  }
  if (body.versioning?.by === 'path') {
    if (body.versioning.isDefault === true)
      fault('versioning.isDefault', 'goes without `by: path`: the path says the version');
    if (body.versioning.name !== undefined) fault('versioning.name', 'goes without `by: path`: nothing is named there');
    if (body.version !== undefined && !PATH_VERSION.test(body.version)) {
      fault(
        'version',
        'must hold letters, digits, dots, dashes, underscores and tildes only, since it stands in the path',
      );
    }
  }
  return faults;
}

/** Of a gateway that is made: one whose name gives no prefix must say its own. */
export function newGatewayFaults(body: UpdateGateway): Fault[] {
  const faults = gatewayFaults(body);
  if (body.name !== undefined && body.routePrefix === undefined && toSlug(body.name) === '') {
    faults.push({ path: 'body.routePrefix', message: 'is required: the name has no letters or digits to make one of' });
  }
  return faults;
}

interface EndpointTerms {
  readonly path?: string;
  readonly service?: string | null;
  readonly upstreamUrl?: string | null;
  readonly rateLimit?: RateLimit | null;
  readonly traffic?: Traffic | null;
  readonly deprecationDate?: string | null;
  readonly sunsetDate?: string | null;
}

export function endpointFaults(body: EndpointTerms): Fault[] {
  const faults = rateLimitFaults(body.rateLimit, 'body.rateLimit');
  const wrong = body.path === undefined ? undefined : faultsOfEndpoint({ path: normalizePath(body.path) })[0];
  if (wrong !== undefined) faults.push({ path: 'body.path', message: wrong.message });
  if (body.traffic !== undefined && body.traffic !== null) faults.push(...trafficFaults(body.traffic));
  if (typeof body.service === 'string' && typeof body.upstreamUrl === 'string') {
    faults.push({ path: 'body.upstreamUrl', message: 'goes without service: send one of the two' });
  }
  const { deprecationDate, sunsetDate } = body;
  // RFC 9745 §4.
  if (typeof deprecationDate === 'string' && typeof sunsetDate === 'string') {
    if (Date.parse(sunsetDate) < Date.parse(deprecationDate)) {
      faults.push({ path: 'body.sunsetDate', message: 'must not lie before deprecationDate' });
    }
  }
  return faults;
}

/** `/users/:id` is written `/users/{id}` from here on. */
export function normalizePath(path: CreateEndpoint['path']): string {
  return path.replaceAll(/\/:([A-Za-z_][A-Za-z0-9_]*)(?=\/|$)/g, '/{$1}');
}

/** "My Shop" → "/my-shop"; "/" → "". */
export function toRoutePrefix(routePrefix: string | undefined, name: string): string {
  if (routePrefix === '/') return '';
  return routePrefix ?? `/${toSlug(name)}`;
}

function toSlug(name: string): string {
  const plain = name.normalize('NFKD').toLowerCase().replaceAll(/\p{M}/gu, '');
  return plain
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, MAX_PREFIX_CHARACTERS - 1)
    .replaceAll(/^-+|-+$/g, '');
}

/** Which services there are is for the deploy to say. */
function trafficFaults(traffic: Traffic): Fault[] {
  const { split = [], mirror } = traffic;
  const services = [...split.map(({ service }) => service), ...(mirror === undefined ? [] : [mirror.service])];
  return faultsOfEndpoint({ traffic: toTraffic(traffic, () => 1) }, services).map(({ path, message }) => ({
    path: path.replace('gateways[0].endpoints[0]', 'body'),
    message,
  }));
}

/** What the data plane would say to such an endpoint, so that a broken one is refused before any deploy. */
function faultsOfEndpoint(differences: Partial<EndpointConfig>, names: readonly string[] = []): Fault[] {
  const endpoint = { id: null, method: 'GET', path: '/', service: OWN, timeoutMs: 1, policies: [], ...differences };
  const services = [...new Set([OWN, ...names])].map((name) => ({
    name,
    targets: [{ url: 'http://localhost' }],
    stripPrefix: false,
  }));
  const gateway = { id: 'gw_', tenantId: '', name: '', routePrefix: '', services, endpoints: [endpoint] };
  return checkSnapshot({ version: 0, gateways: [gateway] }, []);
}

/** No name of a service looks like that. */
const OWN = ' ';
