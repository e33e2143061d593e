// Whether an upstream that switches protocols has understood what it agrees to (RFC 6455 §4.1).

import { hash } from 'node:crypto';
import { headerValue } from '../exchange.ts';
import { isSameToken } from '../wire/octets.ts';
import type { ResponseHead } from '../wire/response-head.ts';

const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** `key` is what the caller sent as `Sec-WebSocket-Key`. */
export function agreesToWebSocket({ upgrade, fields }: ResponseHead, key: string | undefined): boolean {
  if (upgrade === undefined || !isSameToken(upgrade, 'websocket')) return false;
  return headerValue(fields.list(), 'sec-websocket-accept') === hash('sha1', `${key}${MAGIC}`, 'base64');
}
