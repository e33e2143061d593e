// Entity tags (RFC 9110 §8.8.3) and what is asked of them. Pure.
//
// A tag is a hash of the resource as answers show it, not of a row's `updated_at`: two changes within one millisecond differ, a change that
// changes nothing does not, and no table needs a column for it. What traffic writes rather than people (when a key was used last) and what an
// answer shows beside the resource (a client's keys, limits that others said) stand behind a dot: they make another tag, so that a copy is known to be old, but do not
// stand in the way of a change.

import { createHash } from 'node:crypto';
import { canonicalJson } from '../lib/canonical-json.ts';

/** Fields that traffic writes, or that are not the resource's own. */
const TRAFFIC_FIELDS: ReadonlySet<string> = new Set(['lastUsedAt', 'credentials', 'effective']);
const STATE_CHARACTERS = 22;
const TRAFFIC_CHARACTERS = 8;

/** One or more tags joined by commas, or a star. */
export const TAG_LIST =
  /^\s*(?:\*|(?:W\/)?"[\x21\x23-\x7E\x80-\xFF]*"(?:\s*,\s*(?:W\/)?"[\x21\x23-\x7E\x80-\xFF]*")*)\s*$/;
const TAG = /(W\/)?"([\x21\x23-\x7E\x80-\xFF]*)"/g;

export function toEntityTag(resource: object): string {
  const members = Object.entries(resource);
  const state = members.filter(([name]) => !TRAFFIC_FIELDS.has(name));
  const traffic = members.filter(([name, value]) => TRAFFIC_FIELDS.has(name) && value !== undefined);
  const behind = traffic.length === 0 ? '' : `.${hash(traffic, TRAFFIC_CHARACTERS)}`;
  return `"${hash(state, STATE_CHARACTERS)}${behind}"`;
}

/** If-Match (§13.1.1): weak tags never match; what traffic wrote is not looked at. Undefined: there is no such resource. */
export function isMatch(list: string, current: string | undefined): boolean {
  if (current === undefined) return false;
  if (list.trim() === '*') return true;
  return parseTags(list).some(({ isWeak, opaque }) => !isWeak && stateOf(opaque) === stateOf(unquoted(current)));
}

/** If-None-Match (§13.1.2): whether none of the tags is the resource's; weak ones count. */
export function isNoneMatch(list: string, current: string | undefined): boolean {
  if (current === undefined) return true;
  if (list.trim() === '*') return false;
  return parseTags(list).every(({ opaque }) => opaque !== unquoted(current));
}

function parseTags(list: string): { readonly isWeak: boolean; readonly opaque: string }[] {
  return [...list.matchAll(TAG)].map(([, weak, opaque = '']) => ({ isWeak: weak !== undefined, opaque }));
}

function stateOf(opaque: string): string {
  return opaque.split('.', 1)[0] ?? '';
}

function unquoted(tag: string): string {
  return tag.slice(1, -1);
}

function hash(members: readonly (readonly [string, unknown])[], characters: number): string {
  const text = canonicalJson(Object.fromEntries(members));
  return createHash('sha256').update(text).digest('base64url').slice(0, characters);
}
