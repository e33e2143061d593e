// What a service makes of the requests that go to it and of the answers that come back, as a snapshot says it and compiled.

import { Type, type Static } from 'typebox';
import { isReservedField, parseTemplate } from '../../lib/field-template.ts';
import { checkPathRule, compilePathRewrite, type RewritePath } from '../../lib/path-rewrite.ts';
import type { Fault } from '../../lib/problem.ts';
import { isAuthority } from '../wire/target.ts';
import type { SecretOwner } from '../../lib/sealed-text.ts';
import { compileFieldChanges, type FieldChanges } from './field-changes.ts';
import { openCredentials, secretFields } from './service-secrets.ts';

const closed = { additionalProperties: false };
const name = Type.String({ pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$" });

const FieldChangesConfig = Type.Object(
  {
    drop: Type.Array(name, { maxItems: 200 }),
    put: Type.Array(
      Type.Object({ name, value: Type.String({ pattern: '^[\\x20-\\x7e]*$', maxLength: 4_000 }) }, closed),
      { maxItems: 200 },
    ),
  },
  closed,
);

export const rewritingFields = {
  /** The first that matches holds. */
  pathRewrite: Type.Optional(
    Type.Array(Type.Object({ pattern: Type.String(), replacement: Type.String() }, closed), { maxItems: 50 }),
  ),
  requestFields: Type.Optional(FieldChangesConfig),
  responseFields: Type.Optional(FieldChangesConfig),
  /** What the service reads in `Host`: the target's when absent, `caller` for what the caller asked at, or a name. */
  host: Type.Optional(Type.String()),
  ...secretFields,
};

const RewritingConfig = Type.Object(rewritingFields);
export type RewritingConfig = Static<typeof RewritingConfig>;

/** The same shape for all, so that one look tells a plan that it has none. */
export interface Rewriting {
  readonly path: RewritePath | undefined;
  readonly request: FieldChanges | undefined;
  readonly response: FieldChanges | undefined;
  /** Undefined: the target's own. */
  readonly host: string | undefined;
  readonly keepsHost: boolean;
  /** Its credentials cannot be opened: nothing may be sent without them. */
  readonly isLocked: boolean;
}

/** Undefined where there is nothing to do. */
export function compileRewriting(
  config: RewritingConfig,
  owner: SecretOwner,
  hasLostTls: boolean,
): Rewriting | undefined {
  const { pathRewrite, requestFields, responseFields, host, credentials } = config;
  const parts = [pathRewrite, requestFields, responseFields, host, credentials, hasLostTls || undefined];
  if (parts.every((part) => part === undefined)) return undefined;
  const field = credentials && openCredentials(credentials, owner);
  const { drop = [], put = [] } = requestFields ?? {};
  // What a caller sends there is for us, or for nobody.
  const shown = field === undefined ? drop : [...drop, field.name];
  return {
    path: pathRewrite && compilePathRewrite(pathRewrite),
    request: (requestFields ?? field) && compileFieldChanges({ drop: shown, put }, field?.line),
    response: responseFields && compileFieldChanges(responseFields),
    host: host === 'caller' ? undefined : host,
    keepsHost: host === 'caller',
    isLocked: hasLostTls || (credentials !== undefined && field === undefined),
  };
}

/** What the form does not tell. Paths are below the service. */
export function checkRewriting({ pathRewrite = [], host, credentials, ...fields }: RewritingConfig): Fault[] {
  const faults: Fault[] = [];
  pathRewrite.forEach((rule, i) => {
    const message = checkPathRule(rule);
    if (message !== undefined) faults.push({ path: `pathRewrite[${i}]`, message });
  });
  for (const side of ['requestFields', 'responseFields'] as const) {
    const { drop = [], put = [] } = fields[side] ?? {};
    for (const named of [...drop, ...put.map((line) => line.name)]) {
      if (isReservedField(named)) faults.push({ path: side, message: `${named} is not a configuration's to change` });
    }
    for (const { value } of put) {
      const parsed = parseTemplate(value);
      if (typeof parsed === 'string') faults.push({ path: side, message: parsed });
    }
  }
  if (credentials?.type === 'header' && isReservedField(credentials.name))
    faults.push({ path: 'credentials.name', message: `${credentials.name} is not a configuration's to change` });
  if (host !== undefined && !isAuthority(host)) faults.push({ path: 'host', message: 'must be a host, or caller' });
  return faults;
}
