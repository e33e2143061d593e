// Holds a declaration against everything that can be known without a node: what this machine's settings and the program itself say.

import { loadSettings } from './config.ts';
import { checkDeclaration } from './control/gateways/check-declaration.ts';
import { OPERATIONS } from './control/operations.ts';
import { managementGateway } from './control/publish/management.ts';
import { pathRulesOf } from './data-plane-settings.ts';
import type { Fault } from './lib/problem.ts';
import { policies } from './policies/index.ts';

/** Throws SettingsError when the settings are wrong. */
export function checkOffline(document: unknown, env: Readonly<Record<string, string | undefined>>): readonly Fault[] {
  const { settings } = loadSettings(env);
  // Of the management API its routes count, not where it is.
  const management = managementGateway({ operations: OPERATIONS, socketPath: '/nowhere', validationsPerMinute: 1 });
  const paths = pathRulesOf(settings);
  return checkDeclaration(document, { policies, management, paths, privateTargets: settings.PRIVATE_TARGETS }).faults;
}
