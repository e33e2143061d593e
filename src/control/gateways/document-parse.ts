// Documents that were stored with revisions, typed again.

import { Compile } from 'typebox/compile';
import { GatewayDocument } from './declaration-schema.ts';

const validator = Compile(GatewayDocument);

/** Undefined for none, and for one that this program cannot read: then the revision is known by its configuration only. */
export function parseDocument(stored: unknown): GatewayDocument | undefined {
  return stored !== null && validator.Check(stored) ? stored : undefined;
}
