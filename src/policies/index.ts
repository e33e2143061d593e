// Every policy there is. A name that is not in this list refuses the configuration that uses it.

import type { Policy } from '../gateway/policy.ts';
import { apiKey } from './api-key.ts';
import { bodyLimit } from './body-limit.ts';
import { client } from './client.ts';
import { concurrency } from './concurrency.ts';
import { cors } from './cors.ts';
import { deprecation } from './deprecation.ts';
import { maintenance } from './maintenance.ts';
import { rateLimit } from './rate-limit.ts';
import { scopes } from './scopes.ts';
import { securityHeaders } from './security-headers.ts';
import { vary } from './vary.ts';

export const policies: readonly Policy[] = [
  vary,
  securityHeaders,
  cors,
  maintenance,
  deprecation,
  bodyLimit,
  apiKey,
  client,
  scopes,
  rateLimit,
  concurrency,
];
