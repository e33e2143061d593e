// A secret inside a document: sealed, as text that is marked so. Whoever has the document can keep it and give it back, and cannot read it.

import { sealAlike, unseal } from './seal.ts';

const MARK = 'sealed:';

export interface SecretOwner {
  readonly key: Uint8Array;
  readonly tenantId: string;
  readonly gatewayId: string;
}

/** What is sealed already stays as it is, if it is this owner's; else undefined. */
export function sealText(text: string, owner: SecretOwner): string | undefined {
  if (text.startsWith(MARK)) return unsealText(text, owner) === undefined ? undefined : text;
  return MARK + Buffer.from(sealAlike(text, toSealedFor(owner))).toString('base64url');
}

/** Undefined when it is another owner's, or was altered. */
export function unsealText(sealed: string, owner: SecretOwner): string | undefined {
  if (!sealed.startsWith(MARK)) return undefined;
  return unseal(Buffer.from(sealed.slice(MARK.length), 'base64url'), toSealedFor(owner));
}

const toSealedFor = ({ key, tenantId, gatewayId }: SecretOwner) => ({
  key,
  owner: `upstream ${tenantId} ${gatewayId}`,
});
