// What a gateway thread serves, as data, and whether it can be served. Pure, and used by both wings: the control plane refuses a
// deploy with the check, a gateway thread refuses a snapshot with it and goes on with the one it has. Nothing unknown is skipped.

import { Type, type Static, type TSchema } from 'typebox';
import { Value } from 'typebox/value';
import type { Fault } from '../lib/problem.ts';
import type { Policy } from './policy.ts';
import { isMethod, isWellEncoded, METHODS, routeKey, toPattern } from './router.ts';

const closed = { additionalProperties: false };

const PolicyUse = Type.Object({ name: Type.String(), config: Type.Unknown() }, closed);

const EndpointConfig = Type.Object(
  {
    id: Type.Union([Type.String(), Type.Null()]),
    method: Type.String(),
    /** Below the gateway's prefix; `{name}` for a parameter, `/*` at the end for any rest. */
    path: Type.String(),
    /** The name of one of the gateway's services. */
    service: Type.String(),
    timeoutMs: Type.Integer({ minimum: 1 }),
    policies: Type.Array(PolicyUse),
  },
  closed,
);

const milliseconds = Type.Optional(Type.Integer({ minimum: 1 }));

const Timeouts = Type.Object(
  { connectMs: milliseconds, handshakeMs: milliseconds, betweenBytesMs: milliseconds, totalMs: milliseconds },
  closed,
);

const ServiceConfig = Type.Object(
  {
    name: Type.String(),
    targets: Type.Array(Type.Object({ url: Type.String() }, closed), { minItems: 1 }),
    stripPrefix: Type.Boolean(),
    timeouts: Type.Optional(Timeouts),
  },
  closed,
);

const GatewayConfig = Type.Object(
  {
    /** Null for the management API itself, which is the gateway's first upstream. */
    id: Type.Union([Type.String(), Type.Null()]),
    tenantId: Type.String(),
    name: Type.String(),
    routePrefix: Type.String(),
    services: Type.Array(ServiceConfig),
    endpoints: Type.Array(EndpointConfig),
  },
  closed,
);

/** All that a gateway thread serves at one moment. */
export const SnapshotConfig = Type.Object({ version: Type.Integer(), gateways: Type.Array(GatewayConfig) }, closed);

export type SnapshotConfig = Static<typeof SnapshotConfig>;
export type GatewayConfig = Static<typeof GatewayConfig>;
export type EndpointConfig = Static<typeof EndpointConfig>;
export type ServiceConfig = Static<typeof ServiceConfig>;

/** All faults of a snapshot, each with a path such as `gateways[1].endpoints[0].path`. Empty when it can be compiled. */
export function checkSnapshot(config: unknown, policies: readonly Policy[]): Fault[] {
  const malformed = checkSchema(SnapshotConfig, config, '');
  if (malformed.length > 0 || !Value.Check(SnapshotConfig, config)) return malformed;
  const context: Context = {
    policies,
    management: config.gateways.flatMap(toManagedPaths),
    taken: new Map(),
    faults: [],
  };
  config.gateways.forEach((gateway, i) => checkGateway(gateway, `gateways[${i}]`, context));
  return context.faults;
}

/** The faults of a value against a schema, as paths below `root`; a member that is missing or unknown is named itself. */
export function checkSchema(schema: TSchema, value: unknown, root: string): Fault[] {
  return Value.Errors(schema, value).flatMap((error) => {
    const at = root + error.instancePath.replaceAll(/\/(\d+)(?=\/|$)/g, '[$1]').replaceAll('/', '.');
    const toFault =
      (message: string) =>
      (name: string): Fault => ({ path: `${at}.${name}`.replace(/^\./, ''), message });
    if (error.keyword === 'required') return error.params.requiredProperties.map(toFault('is required'));
    if (error.keyword === 'additionalProperties')
      return error.params.additionalProperties.map(toFault('is not known here'));
    if (error.keyword === 'boolean') return []; // The same unknown member, told a second time.
    return [{ path: at.replace(/^\./, ''), message: error.message }];
  });
}

interface Context {
  readonly policies: readonly Policy[];
  /** The paths of the management API, as segments of the router's patterns. */
  readonly management: readonly (readonly string[])[];
  /** Route key → who has it. */
  readonly taken: Map<string, GatewayConfig>;
  readonly faults: Fault[];
}

function checkGateway(gateway: GatewayConfig, at: string, context: Context): void {
  const { faults } = context;
  if (gateway.routePrefix !== '' && !/^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+)+$/.test(gateway.routePrefix)) {
    faults.push({
      path: `${at}.routePrefix`,
      message: 'must begin with a slash, not end with one, and hold plain segments only',
    });
  }
  const services = new Set<string>();
  gateway.services.forEach((service, i) => {
    if (services.has(service.name))
      faults.push({ path: `${at}.services[${i}].name`, message: `"${service.name}" is there twice` });
    services.add(service.name);
    service.targets.forEach((target, j) => {
      const message = checkTarget(target.url, gateway.id === null);
      if (message !== undefined) faults.push({ path: `${at}.services[${i}].targets[${j}].url`, message });
    });
  });
  gateway.endpoints.forEach((endpoint, i) => {
    const path = `${at}.endpoints[${i}]`;
    if (!services.has(endpoint.service)) {
      faults.push({ path: `${path}.service`, message: `there is no service "${endpoint.service}" in this gateway` });
    }
    checkRoute(gateway, endpoint, path, context);
    checkPolicies(endpoint, path, context);
  });
}

function checkRoute(gateway: GatewayConfig, endpoint: EndpointConfig, at: string, context: Context): void {
  const { faults } = context;
  if (!isMethod(endpoint.method))
    faults.push({ path: `${at}.method`, message: `must be one of ${METHODS.join(', ')}` });
  const malformed = checkPath(endpoint.path);
  if (malformed !== undefined) faults.push({ path: `${at}.path`, message: malformed });
  if (!isMethod(endpoint.method) || malformed !== undefined) return;
  const path = gateway.routePrefix + endpoint.path;
  const segments = toPattern(path).split('/');
  if (gateway.id !== null && context.management.some((managed) => wouldShadow(segments, managed))) {
    faults.push({
      path: `${at}.path`,
      message: `${endpoint.method} ${path} would shadow a route of the management API; choose another prefix`,
    });
    return;
  }
  const key = routeKey(endpoint.method, path);
  const owner = context.taken.get(key);
  if (owner === undefined) context.taken.set(key, gateway);
  else {
    // Another tenant's gateways are nobody's business, not even by name.
    const who = owner.tenantId === gateway.tenantId ? `gateway "${owner.name}"` : 'another gateway';
    const where = owner === gateway ? 'in this gateway twice' : `published by ${who} already`;
    faults.push({ path: `${at}.path`, message: `${endpoint.method} ${path} is ${where}` });
  }
}

function checkPolicies(endpoint: EndpointConfig, at: string, context: Context): void {
  endpoint.policies.forEach((use, i) => {
    const policy = context.policies.find((candidate) => candidate.name === use.name);
    if (policy === undefined) {
      context.faults.push({ path: `${at}.policies[${i}].name`, message: `there is no policy "${use.name}"` });
    } else {
      context.faults.push(...checkSchema(policy.config, use.config, `${at}.policies[${i}].config`));
    }
  });
}

const PARAMETER = /^\{[A-Za-z_][A-Za-z0-9_]*\}$/;
// Encoded as it must be, and only then: what decodes to `/`, `*` or a plain letter would not mean what it seems to.
const LITERAL = /^(?:[A-Za-z0-9._~!$&'()+,;=@-]|%20|%[89A-Fa-f][0-9A-Fa-f])*$/;

/** What is wrong with an endpoint's path, or undefined. Accepts `{name}` for one segment and `*` as the last. */
function checkPath(path: string): string | undefined {
  if (!path.startsWith('/')) return 'must begin with a slash';
  if (!isWellEncoded(path)) return 'must be percent-encoded UTF-8';
  const segments = path.slice(1).split('/');
  const names = new Set<string>();
  for (const [i, segment] of segments.entries()) {
    if (segment === '.' || segment === '..') return 'must not have dot segments';
    if (segment === '*' && i === segments.length - 1) continue;
    if (segment.includes('*')) return 'may have a * only as its last segment';
    if (PARAMETER.test(segment)) {
      if (names.has(segment)) return `names the parameter ${segment} twice`;
      names.add(segment);
    } else if (!LITERAL.test(segment)) {
      return `has a segment "${segment}" that is neither plain text nor one {parameter}`;
    }
  }
  return undefined;
}

/** What is wrong with a target, or undefined. The control plane alone is reached by a Unix socket. */
function checkTarget(url: string, isManagement: boolean): string | undefined {
  if (isManagement && url.startsWith('unix:')) return undefined;
  const parsed = URL.parse(url);
  if (parsed === null || (parsed.protocol !== 'http:' && parsed.protocol !== 'https:'))
    return 'must be an http:// or https:// URL';
  if (parsed.username !== '' || parsed.password !== '') return 'must not hold credentials';
  if (parsed.search !== '' || parsed.hash !== '') return 'must not have a query or a fragment';
  return undefined;
}

function toManagedPaths(gateway: GatewayConfig): string[][] {
  if (gateway.id !== null) return [];
  const sound = gateway.endpoints.filter((endpoint) => checkPath(endpoint.path) === undefined);
  return sound.map((endpoint) => toPattern(gateway.routePrefix + endpoint.path).split('/'));
}

/**
 * Whether the router would give this path a request that the managed one answers. It goes by segments, and where the two part, text is
 * tried before a parameter and a parameter before a star: what is plainer at the first difference takes all that both could match.
 */
function wouldShadow(path: readonly string[], managed: readonly string[]): boolean {
  let isPlainer = false;
  for (const [i, own] of path.entries()) {
    const other = managed[i];
    if (other === undefined) return false;
    if (other === '*') return true;
    if (own === '*') return isPlainer;
    if (own.startsWith(':')) {
      if (!isPlainer && !other.startsWith(':')) return false;
    } else if (other.startsWith(':')) isPlainer = true;
    else if (own !== other) return false;
  }
  return path.length === managed.length;
}
