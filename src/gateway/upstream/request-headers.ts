// The headers that an upstream gets: the caller's own, in order, less what ends here, plus what we vouch for.

import { parsePublicId } from '../../lib/key-text.ts';
import type { Exchange, HeaderList } from '../exchange.ts';
import { headerValue } from '../exchange.ts';
import type { Plan } from '../plan.ts';
import { connectionOptions, isHopByHop } from './hop-headers.ts';

// Set by us below, or answered by us: what the caller wrote there is not believed.
const REPLACED: ReadonlySet<string> = new Set([
  'expect',
  'forwarded',
  'host',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-real-ip',
  'x-request-id',
]);

export function toUpstreamHeaders(exchange: Exchange, plan: Plan): HeaderList {
  const incoming = exchange.headers;
  const options = connectionOptions(incoming);
  const headers: HeaderList = [];
  for (let i = 0; i + 1 < incoming.length; i += 2) {
    const name = incoming[i] ?? '';
    const value = incoming[i + 1] ?? '';
    const lowerName = name.toLowerCase();
    if (REPLACED.has(lowerName) || isHopByHop(lowerName, options) || lowerName.startsWith('tollgate-')) continue;
    if (isCredential(lowerName, value, exchange)) continue;
    headers.push(name, value);
  }
  headers.push('x-forwarded-for', exchange.peerAddress, 'x-forwarded-proto', exchange.scheme);
  const host = headerValue(incoming, 'host');
  if (host !== undefined) headers.push('x-forwarded-host', host);
  headers.push('x-request-id', exchange.id);
  if (plan.controlToken !== undefined) {
    headers.push('tollgate-control-token', plan.controlToken, 'tollgate-context', toControlContext(exchange));
  }
  return headers;
}

/**
 * Whether a header carries a key of ours. On routes without authentication too: a caller may send the key everywhere, and an upstream
 * must never see one. A caller's `Authorization` for the upstream itself passes.
 */
function isCredential(lowerName: string, value: string, exchange: Exchange): boolean {
  if (lowerName === 'x-api-key') return exchange.principal !== undefined || parsePublicId(value) !== undefined;
  // Whatever the scheme, and also where it was forgotten: what matters is what follows it.
  return lowerName === 'authorization' && parsePublicId(value.slice(value.search(/\s/) + 1).trim()) !== undefined;
}

/** What the control plane needs to know of the caller; only it gets this, beside the token that proves who wrote it. */
function toControlContext(exchange: Exchange): string {
  const context = {
    requestId: exchange.id,
    address: exchange.peerAddress,
    forwarded: wasForwarded(exchange.headers),
    principal: exchange.principal ?? null,
  };
  return Buffer.from(JSON.stringify(context)).toString('base64url');
}

const FORWARDING: ReadonlySet<string> = new Set([
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-real-ip',
]);

/** Whether another proxy stands between the caller and us: then a loopback peer is the proxy, not the caller. */
function wasForwarded(headers: readonly string[]): boolean {
  for (let i = 0; i < headers.length; i += 2) if (FORWARDING.has(headers[i]?.toLowerCase() ?? '')) return true;
  return false;
}
