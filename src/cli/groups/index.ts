// Every group of commands.

import type { Group } from '../command.ts';
import { audit } from './audit.ts';
import { clients } from './clients.ts';
import { gateways } from './gateways.ts';
import { keyFile } from './key-file.ts';
import { keys } from './keys.ts';
import { operators } from './operators.ts';
import { rateLimits } from './rate-limits.ts';
import { tenants } from './tenants.ts';

export const GROUPS: readonly Group[] = [gateways, keys, clients, rateLimits, operators, tenants, audit, keyFile];
