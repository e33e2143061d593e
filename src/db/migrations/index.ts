// Every migration, in order. Forward only; a migration that was released is never changed.

import type { Migration } from 'kysely/migration';
import { first } from './0001-first.ts';
import { tenants } from './0002-tenants.ts';
import { audit } from './0003-audit.ts';
import { keys } from './0004-keys.ts';
import { clients } from './0005-clients.ts';
import { limits } from './0006-limits.ts';
import { publishing } from './0007-publishing.ts';
import { resilience } from './0008-resilience.ts';
import { concurrency } from './0009-concurrency.ts';
import { tiers } from './0010-tiers.ts';
import { gradual } from './0011-gradual.ts';
import { requestLog } from './0012-request-log.ts';
import { healthCheckUrl } from './0013-health-check-url.ts';

export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-first': first,
  '0002-tenants': tenants,
  '0003-audit': audit,
  '0004-keys': keys,
  '0005-clients': clients,
  '0006-limits': limits,
  '0007-publishing': publishing,
  '0008-resilience': resilience,
  '0009-concurrency': concurrency,
  '0010-tiers': tiers,
  '0011-gradual': gradual,
  '0012-request-log': requestLog,
  '0013-health-check-url': healthCheckUrl,
};
