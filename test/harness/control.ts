// The control plane for resource tests: its server without a socket, a data plane that only remembers, a clock that stands still.

import assert from 'node:assert/strict';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { pino } from 'pino';
import { FORMATS } from '../../src/control/formats.ts';
import type { BoundOperation, Form, Operation } from '../../src/control/operation.ts';
import { toOpenApi } from '../../src/control/openapi.ts';
import { OPERATIONS } from '../../src/control/operations.ts';
import { replySchema } from '../../src/control/reply-schema.ts';
import { managementGateway } from '../../src/control/publish/management.ts';
import { CONTEXT_HEADER, createControlServer, TOKEN_HEADER } from '../../src/control/server.ts';
import { createServices, type DataPlane, type ServiceParts, type Services } from '../../src/control/services.ts';
import type { OpenedDatabase } from '../../src/db/open.ts';
import { DEFAULT_TENANT_ID } from '../../src/db/schema.ts';
import type { Principal, ServiceHealth } from '../../src/gateway/ports.ts';
import type { SnapshotConfig } from '../../src/gateway/snapshot.ts';
import { STRICT_PATHS } from '../../src/gateway/route-path.ts';
import { policies } from '../../src/policies/index.ts';
import { createSharedCounters } from '../../src/limits/shared-counters.ts';
import { SharedMemoryLimiter } from '../../src/limits/shared-memory.ts';
import type { Json } from './api.ts';

export const CONTROL_TOKEN = 'the control token';
export const SETUP_TOKEN = 'the setup token';
export const HMAC_SECRET = 'the pepper';
export const ENCRYPTION_KEY = 'e'.repeat(64);
export const NOW_MS = Date.parse('2026-03-01T12:00:00.000Z');

export interface FakeDataPlane extends DataPlane {
  readonly published: SnapshotConfig[];
  /** What its threads say of every gateway. */
  threads: readonly (readonly ServiceHealth[])[];
  /** Public ids; `all` for everything. */
  readonly forgotten: string[];
  flushes: number;
}

export interface CallOptions {
  /** Who the gateway says is calling; nobody when null. An operator who may do everything when left out. */
  readonly as?: Principal | null;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly address?: string;
  readonly forwarded?: boolean;
}

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly body: Json;
}

export interface TestControl {
  readonly services: Services;
  readonly dataPlane: FakeDataPlane;
  /** Everything that was logged, a JSON line each. */
  readonly logged: string[];
  /** How many calls there were; the last one's request id is `req_<calls>`. */
  calls(): number;
  /** What the clock says from now on. */
  setNow(nowMs: number): void;
  call(method: string, path: string, options?: CallOptions): Promise<Answered>;
}

const CHECKED = OPERATIONS.map(withCheckedReplies);

export function createTestControl(
  { db }: Pick<OpenedDatabase, 'db'>,
  overrides: Partial<ServiceParts> = {},
): TestControl {
  let nowMs = NOW_MS;
  let calls = 0;
  const logged: string[] = [];
  const dataPlane = fakeDataPlane();
  const services = createServices({
    db,
    clock: { nowMs: () => nowMs, monotonicMs: () => nowMs },
    startedTick: NOW_MS - 5_000,
    dataPlane,
    limiter: new SharedMemoryLimiter({
      memory: createSharedCounters({ entries: 100, seats: 1, secret: HMAC_SECRET }),
      seat: 0,
      clock: { nowMs: () => nowMs, monotonicMs: () => nowMs },
    }),
    keyPrefix: 'tg_test',
    hmacSecret: HMAC_SECRET,
    encryptionKey: ENCRYPTION_KEY,
    setupToken: SETUP_TOKEN,
    undefinedScopes: 'accept',
    defaultLimits: { requestsPerMinute: 100, requestsPerHour: 1_000, requestsPerDay: 10_000 },
    clients: { isApprovalAutomatic: false, areCountriesKnown: false },
    policies,
    paths: STRICT_PATHS,
    privateTargets: 'allow',
    management: managementGateway({
      operations: OPERATIONS,
      socketPath: '/run/control.sock',
      validationsPerMinute: 600,
    }),
    readiness: [],
    metrics: { isAllowed: (address) => address === '127.0.0.1', scrape: async () => '# HELP up Whether it runs.\n' },
    isDraining: () => false,
    openapi: toOpenApi(OPERATIONS),
    ...overrides,
  });
  const log = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) });
  const { app } = createControlServer({ operations: CHECKED, services, controlToken: CONTROL_TOKEN, log });
  return {
    services,
    dataPlane,
    logged,
    calls: () => calls,
    setNow(value) {
      nowMs = value;
    },
    async call(method, path, options = {}) {
      calls += 1;
      const response = await app.inject({
        method: methodOf(method),
        url: path,
        headers: {
          [TOKEN_HEADER]: CONTROL_TOKEN,
          [CONTEXT_HEADER]: toContextHeader(`req_${calls}`, options),
          ...(options.body !== undefined && { 'content-type': 'application/json' }),
          ...options.headers,
        },
        ...(options.body !== undefined && { payload: toPayload(options.body) }),
      });
      return {
        status: response.statusCode,
        headers: response.headers,
        text: response.body,
        body: parse(response.body),
      };
    },
  };
}

/** An operator who may do everything. */
export function operatorPrincipal(differences: Partial<Principal> = {}): Principal {
  return {
    kind: 'operator',
    tenantId: DEFAULT_TENANT_ID,
    keyId: 'key_operator',
    operatorId: 'usr_operator',
    name: 'Ada',
    scopes: ['*'],
    limits: [],
    ...differences,
  };
}

export function keyPrincipal(scopes: readonly string[], differences: Partial<Principal> = {}): Principal {
  return operatorPrincipal({
    kind: 'key',
    keyId: 'key_plain',
    operatorId: undefined,
    name: 'a key',
    scopes,
    ...differences,
  });
}

export function toContextHeader(requestId: string, options: CallOptions): string {
  const principal = options.as === undefined ? operatorPrincipal() : options.as;
  const context = {
    requestId,
    address: options.address ?? '127.0.0.1',
    forwarded: options.forwarded ?? false,
    principal,
  };
  return Buffer.from(JSON.stringify(context)).toString('base64url');
}

function fakeDataPlane(): FakeDataPlane {
  const published: SnapshotConfig[] = [];
  const forgotten: string[] = [];
  return {
    published,
    forgotten,
    threads: [],
    flushes: 0,
    async publish(snapshot) {
      published.push(snapshot);
    },
    async forgetCredentials(publicIds) {
      if (publicIds === 'all') forgotten.push('all');
      else forgotten.push(...publicIds);
    },
    async flushRecords() {
      this.flushes += 1;
    },
    async health() {
      return this.threads;
    },
  };
}

/** The operation, failing whenever it answers anything but what it declares. */
function withCheckedReplies(operation: Operation): Operation {
  const checks = new Map<string, ValidateFunction>();
  const checkOf = (status: number, form: Form): ValidateFunction => {
    const name = `${status} ${form}`;
    const check = checks.get(name) ?? createAjv().compile(replySchema(operation, status, form));
    checks.set(name, check);
    return check;
  };
  // Bound once for all tests of a file: an operation keeps nothing between two calls.
  let run: BoundOperation | undefined;
  return {
    ...operation,
    bind(validation): BoundOperation {
      const bound = run ?? operation.bind(validation);
      run = bound;
      return async (raw, context, form) => {
        const outcome = await bound(raw, context, form);
        if ('chunks' in outcome) {
          assert.ok(
            operation.streams.some((type) => outcome.mediaType.startsWith(type)),
            operation.id,
          );
          return outcome;
        }
        if (outcome.status === 304) return outcome;
        const json: unknown = JSON.parse(JSON.stringify(outcome.body));
        const check = checkOf(outcome.status, form);
        assert.ok(check(json), `${operation.id} answers what it does not declare: ${JSON.stringify(check.errors)}`);
        return outcome;
      };
    },
  };
}

function createAjv(): Ajv2020 {
  const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
  for (const [name, format] of Object.entries(FORMATS)) ajv.addFormat(name, (text: string) => format.check(text));
  return ajv;
}

function toPayload(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}

function parse(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function methodOf(method: string): 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' {
  switch (method) {
    case 'GET':
    case 'POST':
    case 'PUT':
    case 'PATCH':
    case 'DELETE':
      return method;
    default:
      throw new Error(`no management call uses ${method}`);
  }
}
