// The time-based work of a node.

import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import type { Settings } from './config.ts';
import { keyJobs } from './control/keys/jobs.ts';
import { tenantJobs } from './control/tenants/jobs.ts';
import type { Database } from './db/schema.ts';
import { startSchedule, type Schedule } from './jobs/schedule.ts';
import { systemClock } from './lib/clock.ts';

export interface JobSurroundings {
  readonly db: Kysely<Database>;
  readonly settings: Settings;
  readonly auditKey: Uint8Array;
  readonly log: Logger;
}

export function startJobs({ db, settings, auditKey, log }: JobSurroundings): Schedule {
  return startSchedule({
    db,
    clock: systemClock,
    jobs: [
      ...keyJobs({ noticeDays: settings.KEY_EXPIRY_NOTICE_DAYS, auditKey }),
      ...tenantJobs({ keepDays: settings.DELETED_TENANT_DAYS, auditKey }),
    ],
    onError: (job, cause, failures) => log.error({ job, failures, reason: String(cause) }, 'a job failed'),
  });
}
