// What becomes of the connection after a message (RFC 9112 §9.3), and what else it may become (RFC 9110 §7.8).

import { CONNECTION, UPGRADE } from './field-kind.ts';
import type { Fields } from './fields.ts';
import { hasMember } from './octets.ts';

/** Whether the sender means the connection to carry another message. */
export function staysOpen(fields: Fields, isHttp10: boolean): boolean {
  const options = fields.joined(CONNECTION);
  if (options === undefined) return !isHttp10;
  if (hasMember(options, 'close')) return false;
  return !isHttp10 || hasMember(options, 'keep-alive');
}

/** The protocol that the sender would go on with, when `Connection` names the field. */
export function readUpgrade(fields: Fields): string | undefined {
  const upgrade = fields.joined(UPGRADE);
  return upgrade !== undefined && hasMember(fields.joined(CONNECTION) ?? '', 'upgrade') ? upgrade : undefined;
}
