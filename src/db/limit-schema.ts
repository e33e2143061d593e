// The rows of limits: what there is to choose from, what was counted, and of what people were told.

import type { Json } from './column-kinds.ts';
import type { RateLimit } from './schema.ts';

/** What is said of a live endpoint, in the place of what was deployed with it; windows as a whole, when any is named. */
export interface EndpointLimits extends RateLimit {
  /** What a request counts. */
  readonly cost?: number;
  /** Limits of each client for itself. */
  readonly perClient?: RateLimit;
  /** False: the limits of the endpoint hold, and no answer tells of them. */
  readonly expose?: boolean;
}

/** Of no tenant: a set of limits under a name, which clients may have. */
export interface RateLimitTierTable {
  name: string;
  limits: Json<RateLimit>;
  created_at: Date;
  updated_at: Date;
}

/** Counters of limits that last for days and longer: see limits/saved-counters.ts. */
export interface LimitCounterTable {
  id: number;
  class: number;
  end_minute: number;
  count: number;
  rest: number;
}

/** That somebody was told how far a quota is used: once for each quota, month and level. */
export interface QuotaNoticeTable {
  tenant_id: string;
  /** `client:cli_…`, `key:key_…`, `tenant:ten_…`. */
  subject: string;
  /** The end of the month. */
  resets_at: Date;
  quota: number;
  level: 'warning' | 'exceeded';
  noticed_at: Date;
}
