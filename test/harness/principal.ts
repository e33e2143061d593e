// Who the gateway would say is calling with a key: looked up as a gateway thread does it.

import assert from 'node:assert/strict';
import { loadCredential } from '../../src/control/publish/credentials.ts';
import type { Credential, Principal } from '../../src/gateway/ports.ts';
import { parsePublicId } from '../../src/lib/key-text.ts';
import type { TestControl } from './control.ts';

export async function credentialOf(control: TestControl, apiKey: string): Promise<Credential | undefined> {
  return loadCredential(control.services.db, parsePublicId(apiKey) ?? '', control.services.defaultLimits);
}

/** Fails for a key that would not be let in. */
export async function principalOf(control: TestControl, apiKey: string): Promise<Principal> {
  const credential = await credentialOf(control, apiKey);
  assert.ok(credential !== undefined && credential.status === 'active' && credential.suspended === undefined);
  return credential.principal;
}
