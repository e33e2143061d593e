// Whether anything asks for a scope. Tollgate's own are defined by Tollgate, all others by the endpoints that require them. Where the
// setting says so, what nobody asks for is not given: most often it is misspelt.

import { sql, type Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { TenantScope } from '../db/scope.ts';
import type { Fault } from '../lib/problem.ts';
import { hasScope, normalizeScope } from '../lib/scope.ts';
import { isOwnScope } from './permissions.ts';
import { invalidRequest } from './validation.ts';

/** What the setting UNDEFINED_SCOPES says. */
export type UndefinedScopes = 'accept' | 'refuse';

/** More are not looked at: nobody has so many, and a list has a limit. */
const MAX_DEFINED = 10_000;

export interface GivenScopes {
  readonly scopes: readonly string[];
  /** What is there already, and not given now. */
  readonly present?: readonly string[];
  /** Where the scopes stand in the request: `body.scopes`. */
  readonly path: string;
}

/** Throws, naming each scope of which no endpoint of the tenant requires even a part. Drafts count. */
export async function checkDefined(
  trx: Kysely<Database>,
  scope: TenantScope,
  rule: UndefinedScopes,
  { scopes, present = [], path }: GivenScopes,
): Promise<void> {
  if (rule === 'accept') return;
  const isNew = (given: string): boolean => !present.includes(given) && !isOwnScope(normalizeScope(given));
  if (!scopes.some(isNew)) return;
  const required = await findRequired(trx, scope);
  const faults = scopes.flatMap((given, i): Fault[] => {
    if (!isNew(given) || required.some((one) => hasScope([normalizeScope(given)], one))) return [];
    return [{ path: `${path}[${i}]`, message: `${given} is required by no endpoint; define it there first` }];
  });
  if (faults.length > 0) throw invalidRequest(faults);
}

async function findRequired(db: Kysely<Database>, { tenantId }: TenantScope): Promise<string[]> {
  const { rows } = await sql<{ required: string }>`
    select distinct unnest(required_scopes) as required from endpoints where tenant_id = ${tenantId} limit ${MAX_DEFINED}`.execute(
    db,
  );
  return rows.map(({ required }) => normalizeScope(required));
}
