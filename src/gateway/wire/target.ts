// Request targets and authorities (RFC 9112 §3.2, RFC 3986 §3.2).

import { FAULTS, type WireFault } from './fault.ts';
import { hexValue, HOST_NAME, isDigit } from './octets.ts';

const COLON = 0x3a;
const SLASH = 0x2f;
const BRACKET = 0x5b;
const PERCENT = 0x25;

const MAX_IPV6_LENGTH = 45;
const HEX_GROUP = /^[0-9A-Fa-f]{1,4}$/;
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** The target in origin form (path and query untouched), `*` for OPTIONS, or what is wrong with it. */
export function checkTarget(method: string, target: string, host: string | undefined): string | WireFault {
  if (target.charCodeAt(0) === SLASH) return target;
  if (target === '*') return method === 'OPTIONS' ? target : FAULTS.target;
  return fromAbsoluteForm(method, target, host);
}

/** The authority of a target that `checkTarget` let pass; undefined for one that is not in absolute form. */
export function toAuthority(target: string): string | undefined {
  return /^https?:\/\/([^/?]+)/i.exec(target)?.[1];
}

/** RFC 9112 §3.2.2: the authority of an absolute target wins over Host; two that differ are refused instead of choosing. */
function fromAbsoluteForm(method: string, target: string, host: string | undefined): string | WireFault {
  const scheme = /^https?:\/\//i.exec(target)?.[0];
  if (scheme === undefined) return FAULTS.target;
  const rest = target.slice(scheme.length);
  const end = rest.search(/[/?]/);
  const authority = end < 0 ? rest : rest.slice(0, end);
  if (!isAuthority(authority)) return FAULTS.target;
  if (host !== undefined && host.toLowerCase() !== authority.toLowerCase()) return FAULTS.host;
  if (end < 0) return method === 'OPTIONS' ? '*' : '/'; // RFC 9112 §3.2.4
  const origin = rest.slice(end);
  return origin.startsWith('/') ? origin : `/${origin}`;
}

/** `host` or `host:port`, without user information; an IP literal in brackets. Never empty. */
export function isAuthority(text: string): boolean {
  const nameEnd = text.charCodeAt(0) === BRACKET ? ipLiteralEnd(text) : hostNameEnd(text);
  if (nameEnd <= 0) return false;
  if (nameEnd === text.length) return true;
  if (text.charCodeAt(nameEnd) !== COLON || text.length > nameEnd + 6) return false;
  for (let i = nameEnd + 1; i < text.length; i++) if (!isDigit(text.charCodeAt(i))) return false;
  return Number(text.slice(nameEnd + 1)) <= 65_535;
}

/** Of a target in origin form; the query with its question mark, byte for byte, or empty. */
export function splitTarget(target: string): { path: string; query: string } {
  const at = target.indexOf('?');
  return at < 0 ? { path: target, query: '' } : { path: target.slice(0, at), query: target.slice(at) };
}

function hostNameEnd(text: string): number {
  for (let i = 0; i < text.length; i++) {
    const octet = text.charCodeAt(i);
    if (octet === COLON) return i;
    if (HOST_NAME[octet] !== 1) return -1;
    if (octet === PERCENT && (hexValue(text.charCodeAt(i + 1)) < 0 || hexValue(text.charCodeAt(i + 2)) < 0)) return -1;
  }
  return text.length;
}

function ipLiteralEnd(text: string): number {
  const close = text.indexOf(']');
  return close > 0 && close <= MAX_IPV6_LENGTH + 1 && isIpv6(text.slice(1, close)) ? close + 1 : -1;
}

/** Eight groups of four hexadecimal digits, the last two perhaps as IPv4, `::` once for one or more of zero. No zone (RFC 6874 is obsolete). */
function isIpv6(text: string): boolean {
  const halves = text.split('::');
  let groups = 0;
  for (const [i, half] of halves.entries()) {
    if (half === '') continue;
    const parts = half.split(':');
    for (const [k, part] of parts.entries()) {
      if (HEX_GROUP.test(part)) groups++;
      else if (i === halves.length - 1 && k === parts.length - 1 && IPV4.test(part)) groups += 2;
      else return false;
    }
  }
  return halves.length === 1 ? groups === 8 : halves.length === 2 && groups < 8;
}
