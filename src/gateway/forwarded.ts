// Who asked for what before us: `X-Forwarded-*` and `Forwarded` (RFC 7239), read from trusted proxies, and written for upstreams.
//
// Which of the two a trusted proxy keeps is not known. Most write `X-Forwarded-For` and let a caller's own `Forwarded` pass, so that
// the first is believed where both stand and do not agree.

import { isIP } from 'node:net';
import { toPlainAddress } from '../lib/ip-range.ts';
import { isSameToken, TOKEN } from './wire/octets.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Proxies in a row that are followed back. */
const MAX_HOPS = 32;
const PAIR = /[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)|"((?:[^"\\]|\\.)*)")[ \t]*([;,]|$)/y;

/**
 * The nearest one whom no trusted proxy is known to be: the right-most entry that is not trusted, or the farthest when all are.
 * An entry that is no address (`unknown`, `_hidden`) ends the search at whoever wrote it.
 */
export function resolveClientAddress(
  headers: readonly string[],
  peerAddress: string,
  isTrusted: (address: string) => boolean,
): string {
  const { nodes } = readClaims(headers);
  let client = peerAddress;
  const last = nodes.length - 1;
  for (let i = last; i >= 0 && last - i < MAX_HOPS; i--) {
    const address = toAddress(nodes[i] ?? '');
    if (address === undefined) return client;
    client = address;
    if (!isTrusted(address)) return client;
  }
  return client;
}

/** What an upstream is told, as lines: our own view alone. `host` is the caller's. */
export function toForwardingLines({ scheme, peerAddress, port }: Seen, host: string | undefined): string {
  const peer = peerAddress === '' ? 'unknown' : peerAddress;
  return toLines([peer], { scheme, host, port: toPort(host, scheme, port), forwarded: toElement(peer, scheme, host) });
}

/** What an upstream is told, as lines: our view added to that of the trusted proxies before us. */
export function toAddedForwardingLines(seen: Seen, headers: readonly string[], host: string | undefined): string {
  const peer = seen.peerAddress === '' ? 'unknown' : seen.peerAddress;
  const element = toElement(peer, seen.scheme, host);
  const claims = readClaims(headers);
  const scheme = lastValue(headers, 'x-forwarded-proto') ?? seen.scheme;
  const told = lastValue(headers, 'x-forwarded-host') ?? host;
  return toLines([...claims.nodes, peer], {
    scheme,
    host: told,
    port: lastValue(headers, 'x-forwarded-port') ?? toPort(told, scheme, seen.port),
    forwarded: claims.forwarded === '' ? element : `${claims.forwarded}, ${element}`,
  });
}

/** What we ourselves see of a caller. */
interface Seen {
  readonly scheme: string;
  readonly peerAddress: string;
  /** The port that the caller reached. */
  readonly port: number;
}

interface Told {
  readonly scheme: string;
  readonly host: string | undefined;
  readonly port: string;
  readonly forwarded: string;
}

function toLines(nodes: readonly string[], { scheme, host, port, forwarded }: Told): string {
  let lines = `x-forwarded-for: ${nodes.join(', ')}\r\nx-forwarded-proto: ${scheme}\r\n`;
  if (host !== undefined) lines += `x-forwarded-host: ${host}\r\n`;
  return `${lines}x-forwarded-port: ${port}\r\nforwarded: ${forwarded}\r\n`;
}

interface Claims {
  /** Addresses, the farthest first, as they were written in `X-Forwarded-For`, or would be. */
  readonly nodes: readonly string[];
  /** The same as elements of `Forwarded`, with whatever else they tell; empty when there are none. */
  readonly forwarded: string;
}

function readClaims(headers: readonly string[]): Claims {
  const nodes = joinedValues(headers, 'x-forwarded-for')
    .split(',')
    .map((node) => node.trim())
    .filter((node) => node !== '');
  const forwarded = joinedValues(headers, 'forwarded');
  const told = forwarded === '' ? undefined : parseForwarded(forwarded);
  if (nodes.length === 0) {
    return {
      nodes: told?.map((node) => toAddress(node) ?? 'unknown') ?? [],
      forwarded: told === undefined ? '' : forwarded,
    };
  }
  const agrees = told !== undefined && isSameNode(told.at(-1) ?? '', nodes.at(-1) ?? '');
  return { nodes, forwarded: agrees ? forwarded : nodes.map((node) => `for=${toNode(node)}`).join(', ') };
}

const isSameNode = (a: string, b: string): boolean => (toAddress(a) ?? a) === (toAddress(b) ?? b);

/** The `for` of every element, empty where there is none; undefined when it is not well-formed. */
function parseForwarded(text: string): string[] | undefined {
  const nodes: string[] = [];
  let node = '';
  PAIR.lastIndex = 0;
  while (PAIR.lastIndex < text.length) {
    const pair = PAIR.exec(text);
    if (pair === null) return undefined;
    const [, name = '', token, quoted = '', end] = pair;
    if (isSameToken(name, 'for')) node = token ?? quoted.replaceAll(/\\(.)/g, '$1');
    if (end === ';') continue;
    nodes.push(node);
    node = '';
  }
  return nodes;
}

/** The address in `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`; undefined when there is none. */
function toAddress(node: string): string | undefined {
  let text = node;
  if (node.startsWith('[')) text = node.slice(1, Math.max(node.indexOf(']'), 1));
  else if (node.indexOf(':') === node.lastIndexOf(':') && node.includes(':')) text = node.slice(0, node.indexOf(':'));
  const address = toPlainAddress(text);
  return isIP(address) === 0 ? undefined : address;
}

function toElement(peer: string, scheme: string, host: string | undefined): string {
  const element = `for=${toNode(peer)};proto=${scheme}`;
  return host === undefined || host === '' ? element : `${element};host=${toValue(host)}`;
}

/** RFC 7239 §6: an IPv6 address stands in brackets, and so in quotes. */
function toNode(address: string): string {
  if (!address.includes(':')) return toValue(address);
  const plain = toAddress(address);
  if (plain === undefined) return 'unknown';
  return plain.includes(':') ? `"[${plain}]"` : plain;
}

/** As a token where it is one, else as a quoted string. */
function toValue(text: string): string {
  let isToken = true;
  for (let i = 0; i < text.length; i++) {
    const octet = text.charCodeAt(i);
    if (octet === QUOTE || octet === BACKSLASH) return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
    if (TOKEN[octet] !== 1) isToken = false;
  }
  return isToken ? text : `"${text}"`;
}

/** The port that the caller asked at: of the host, or the scheme's own; of a caller who names no host, the one that they reached. */
function toPort(host: string | undefined, scheme: string, reached: number): string {
  if (host === undefined) return String(reached);
  const colon = host.lastIndexOf(':');
  if (colon > host.lastIndexOf(']') && colon < host.length - 1) return host.slice(colon + 1);
  return scheme === 'https' ? '443' : '80';
}

/** Of several, the one that the nearest hop added. */
function lastValue(headers: readonly string[], name: string): string | undefined {
  for (let i = headers.length - 2; i >= 0; i -= 2) if (isSameToken(headers[i] ?? '', name)) return headers[i + 1];
  return undefined;
}

/** Several fields of one name are one list (RFC 9110 §5.3). */
function joinedValues(headers: readonly string[], name: string): string {
  let joined = '';
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const candidate = headers[i] ?? '';
    if (candidate.length !== name.length || !isSameToken(candidate, name)) continue;
    joined = joined === '' ? (headers[i + 1] ?? '') : `${joined}, ${headers[i + 1]}`;
  }
  return joined;
}
