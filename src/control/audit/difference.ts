// What differs between a resource before and after a change, fit to be kept: secrets masked, long values by their hash only. Pure.

import { createHash } from 'node:crypto';
import type { FieldChange } from '../../db/trail-schema.ts';
import { canonicalJson } from '../../lib/canonical-json.ts';
import { maskMember } from '../../lib/mask-secrets.ts';

/** A value that is longer as JSON is told by its length and its hash. */
const MAX_VALUE_CHARACTERS = 4_096;
/** No resource has so many; what a program made of them is not worth more room. */
const MAX_FIELDS = 100;
/** They change with every change, or with none. */
const SILENT_FIELDS: ReadonlySet<string> = new Set(['updatedAt', 'lastUsedAt']);

/** By field; undefined for a resource that was not there before, or is not any more. */
export function toFieldChanges(before: object | undefined, after: object | undefined): Record<string, FieldChange> {
  const old = membersOf(before);
  const now = membersOf(after);
  const names = [...new Set([...old.keys(), ...now.keys()])];
  const changed = names.filter(
    (name) => !SILENT_FIELDS.has(name) && canonicalJson(old.get(name) ?? null) !== canonicalJson(now.get(name) ?? null),
  );
  return Object.fromEntries(
    changed.slice(0, MAX_FIELDS).map((name) => [
      name,
      {
        ...(old.has(name) && { before: toKept(name, old.get(name)) }),
        ...(now.has(name) && { after: toKept(name, now.get(name)) }),
      },
    ]),
  );
}

/** What is told beside the difference. */
export function toKeptDetails(details: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    [...membersOf(details)].slice(0, MAX_FIELDS).map(([name, value]) => [name, toKept(name, value)]),
  );
}

function membersOf(resource: object | undefined): Map<string, unknown> {
  return new Map(Object.entries(resource ?? {}).filter(([, value]) => value !== undefined));
}

/** Compared before it is masked: a secret that changed shows as changed, from `***` to `***`. */
function toKept(name: string, value: unknown): unknown {
  const masked = maskMember(name, value);
  const text = canonicalJson(masked);
  if (text.length <= MAX_VALUE_CHARACTERS) return masked;
  return { omitted: `${text.length} characters`, sha256: createHash('sha256').update(text).digest('hex') };
}
