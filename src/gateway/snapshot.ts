// What a gateway thread serves, as data, and whether it can be served. Pure, and used by both wings: the control plane refuses a
// deploy with the check, a gateway thread refuses a snapshot with it and goes on with the one it has. Nothing unknown is skipped.

import { Type, type Static, type TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import type { Fault } from '../lib/problem.ts';
import type { Policy } from './policy.ts';
import { type PathRules, STRICT_PATHS } from './route-path.ts';
import { checkPath, wouldShadow } from './route-pattern.ts';
import { toVersionRule } from './route-version.ts';
import { isMethod, METHODS, routeKeys, toSegments } from './router.ts';
import { checkRewriting, rewritingFields } from './upstream/rewriting.ts';
import { checkTarget } from './upstream/target.ts';
import { checkService, serviceFields, targetFields } from './upstream/service-config.ts';
import { checkTraffic, TrafficConfig } from './upstream/traffic-config.ts';

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
    traffic: Type.Optional(TrafficConfig),
  },
  closed,
);

const ServiceConfig = Type.Object(
  {
    name: Type.String(),
    targets: Type.Array(Type.Object(targetFields, closed), { minItems: 1 }),
    stripPrefix: Type.Boolean(),
    ...serviceFields,
    ...rewritingFields,
  },
  closed,
);

const VersionConfig = Type.Object(
  {
    by: Type.Union([Type.Literal('header'), Type.Literal('accept')]),
    name: Type.String({ minLength: 1 }),
    value: Type.String({ minLength: 1 }),
    isDefault: Type.Boolean(),
  },
  closed,
);

// What came after the first revisions is optional: those that are stored go on being read.
const GatewayConfig = Type.Object(
  {
    /** Null for the management API itself, which is the gateway's first upstream. */
    id: Type.Union([Type.String(), Type.Null()]),
    tenantId: Type.String(),
    name: Type.String(),
    routePrefix: Type.String(),
    /** `api.example.com`, `*.example.com`; every host when absent. */
    hosts: Type.Optional(Type.Array(Type.String(), { minItems: 1 })),
    /** How requests say that they mean this one, where several stand on the same paths. */
    version: Type.Optional(VersionConfig),
    /** Of every endpoint, before its own of the same stage; those of the stage `guard` also meet what no endpoint takes. */
    policies: Type.Optional(Type.Array(PolicyUse)),
    services: Type.Array(ServiceConfig),
    endpoints: Type.Array(EndpointConfig),
  },
  closed,
);

const Rules = Type.Object(
  {
    case: Type.Union([Type.Literal('sensitive'), Type.Literal('insensitive')]),
    trailingSlash: Type.Union([Type.Literal('keep'), Type.Literal('ignore')]),
    doubleSlashes: Type.Union([Type.Literal('keep'), Type.Literal('merge')]),
    encodedSlash: Type.Union([Type.Literal('keep'), Type.Literal('separate'), Type.Literal('refuse')]),
    dotSegments: Type.Union([Type.Literal('refuse'), Type.Literal('redirect')]),
  },
  closed,
);

/** All that a gateway thread serves at one moment. */
export const SnapshotConfig = Type.Object(
  {
    version: Type.Integer(),
    /** How paths are compared; strictly when absent. */
    paths: Type.Optional(Rules),
    gateways: Type.Array(GatewayConfig),
  },
  closed,
);

export type SnapshotConfig = Static<typeof SnapshotConfig>;
export type GatewayConfig = Static<typeof GatewayConfig>;
export type EndpointConfig = Static<typeof EndpointConfig>;
export type ServiceConfig = Static<typeof ServiceConfig>;
export type PolicyUse = Static<typeof PolicyUse>;
export type { PathRules };

/** All faults of a snapshot, each with a path such as `gateways[1].endpoints[0].path`. Empty when it can be compiled. */
export function checkSnapshot(config: unknown, policies: readonly Policy[]): Fault[] {
  if (!isSnapshot(config)) return checkSchema(SnapshotConfig, config, '');
  const check = openCheck(config, policies);
  return config.gateways.flatMap((gateway, i) => check(gateway, i));
}

/** The same a gateway at a time, in their order, for whoever has other things to do between two. */
export function openCheck(
  { paths = STRICT_PATHS, gateways }: Pick<SnapshotConfig, 'paths' | 'gateways'>,
  policies: readonly Policy[],
): (gateway: GatewayConfig, index: number) => Fault[] {
  const shared = {
    policies: new Map(policies.map((policy) => [policy.name, policy])),
    paths,
    management: gateways.flatMap((gateway) => toManagedPaths(gateway, paths)),
    taken: new Map<string, GatewayConfig>(),
  };
  return (gateway, index) => {
    const context: Context = { ...shared, faults: [] };
    checkGateway(gateway, `gateways[${index}]`, context);
    return context.faults;
  };
}

/** Whether it has the form of a gateway. */
export function isGatewayConfig(config: unknown): config is GatewayConfig {
  return validatorOf(GatewayConfig).Check(config);
}

/** Whether it has the form of a snapshot; whether it can be served is for the check to say. */
export function isSnapshot(config: unknown): config is SnapshotConfig {
  return validatorOf(SnapshotConfig).Check(config);
}

/** The faults of a value against a schema, as paths below `root`; a member that is missing or unknown is named itself. */
export function checkSchema(schema: TSchema, value: unknown, root: string): Fault[] {
  const validator = validatorOf(schema);
  // Looking for faults takes a hundred times as long as seeing that there are none.
  if (validator.Check(value)) return [];
  return validator.Errors(value).flatMap((error) => {
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

const validators = new WeakMap<TSchema, Validator>();

function validatorOf(schema: TSchema): Validator {
  const known = validators.get(schema);
  if (known !== undefined) return known;
  const made = Compile(schema);
  validators.set(schema, made);
  return made;
}

interface Context {
  readonly policies: ReadonlyMap<string, Policy>;
  readonly paths: PathRules;
  /** The paths of the management API, as segments of the router's patterns. */
  readonly management: readonly (readonly string[])[];
  /** Route key → who has it. */
  readonly taken: Map<string, GatewayConfig>;
  readonly faults: Fault[];
}

const PREFIX = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+)+$/;
const HOST = /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

function checkGateway(gateway: GatewayConfig, at: string, context: Context): void {
  const { faults } = context;
  if (gateway.routePrefix !== '' && !PREFIX.test(gateway.routePrefix)) {
    faults.push({
      path: `${at}.routePrefix`,
      message: 'must begin with a slash, not end with one, and hold plain segments only',
    });
  }
  gateway.hosts?.forEach((host, i) => {
    const message = 'must be a host name in lower case such as api.example.com or *.example.com';
    if (!HOST.test(host) || host.length > 253) faults.push({ path: `${at}.hosts[${i}]`, message });
    else if (gateway.hosts?.indexOf(host) !== i) faults.push({ path: `${at}.hosts[${i}]`, message: 'is there twice' });
  });
  checkServices(gateway, at, context);
  checkPolicies(gateway.policies ?? [], at, context);
  const services = new Set(gateway.services.map(({ name }) => name));
  gateway.endpoints.forEach((endpoint, i) => {
    const path = `${at}.endpoints[${i}]`;
    if (!services.has(endpoint.service)) {
      faults.push({ path: `${path}.service`, message: `there is no service "${endpoint.service}" in this gateway` });
    }
    for (const fault of checkTraffic(endpoint, services))
      faults.push({ path: `${path}.${fault.path}`, message: fault.message });
    checkRoute(gateway, endpoint, path, context);
    checkPolicies(endpoint.policies, path, context);
  });
}

function checkServices(gateway: GatewayConfig, at: string, { faults }: Context): void {
  const services = new Set<string>();
  gateway.services.forEach((service, i) => {
    if (services.has(service.name))
      faults.push({ path: `${at}.services[${i}].name`, message: `"${service.name}" is there twice` });
    services.add(service.name);
    for (const { path, message } of [...checkService(service), ...checkRewriting(service)])
      faults.push({ path: `${at}.services[${i}].${path}`, message });
    service.targets.forEach((target, j) => {
      const message = checkTarget(target.url, gateway.id === null);
      if (message !== undefined) faults.push({ path: `${at}.services[${i}].targets[${j}].url`, message });
    });
  });
}

function checkRoute(gateway: GatewayConfig, endpoint: EndpointConfig, at: string, context: Context): void {
  const { faults } = context;
  const { method } = endpoint;
  if (!isMethod(method)) faults.push({ path: `${at}.method`, message: `must be one of ${METHODS.join(', ')}` });
  const malformed = checkPath(endpoint.path);
  if (malformed !== undefined) faults.push({ path: `${at}.path`, message: malformed });
  if (!isMethod(method) || malformed !== undefined) return;
  const path = gateway.routePrefix + endpoint.path;
  const segments = toSegments(path, context.paths);
  if (gateway.id !== null && context.management.some((managed) => wouldShadow(segments, managed))) {
    const message = `${method} ${path} would shadow a route of the management API; choose another prefix`;
    faults.push({ path: `${at}.path`, message });
    return;
  }
  const version = toVersionRule(gateway.version);
  for (const host of gateway.hosts ?? [undefined]) {
    const owner = takeKeys({ method, path, host, version }, gateway, context);
    if (owner === undefined) continue;
    faults.push({ path: `${at}.path`, message: `${method} ${host ?? ''}${path} is ${describeOwner(owner, gateway)}` });
    return;
  }
}

/** Takes the keys of the route, or tells who has one of them. */
function takeKeys(
  route: Parameters<typeof routeKeys>[0],
  gateway: GatewayConfig,
  { taken, paths }: Context,
): GatewayConfig | undefined {
  const keys = routeKeys(route, paths);
  for (const key of keys) {
    const owner = taken.get(key);
    if (owner !== undefined) return owner;
  }
  for (const key of keys) taken.set(key, gateway);
  return undefined;
}

function describeOwner(owner: GatewayConfig, gateway: GatewayConfig): string {
  if (owner === gateway) return 'in this gateway twice';
  // Another tenant's gateways are nobody's business, not even by name.
  return `published by ${owner.tenantId === gateway.tenantId ? `gateway "${owner.name}"` : 'another gateway'} already`;
}

function checkPolicies(uses: readonly PolicyUse[], at: string, context: Context): void {
  uses.forEach((use, i) => {
    const policy = context.policies.get(use.name);
    if (policy === undefined) {
      context.faults.push({ path: `${at}.policies[${i}].name`, message: `there is no policy "${use.name}"` });
    } else {
      const path = `${at}.policies[${i}].config`;
      const faults = checkSchema(policy.config, use.config, path);
      const more = faults.length === 0 ? policy.findFaults?.(use.config) : [];
      context.faults.push(...faults);
      for (const fault of more ?? []) context.faults.push({ path: `${path}.${fault.path}`, message: fault.message });
    }
  });
}

function toManagedPaths(gateway: GatewayConfig, paths: PathRules): string[][] {
  if (gateway.id !== null) return [];
  const sound = gateway.endpoints.filter((endpoint) => checkPath(endpoint.path) === undefined);
  return sound.map((endpoint) => toSegments(gateway.routePrefix + endpoint.path, paths));
}
