// Versions of one API beside each other on the same paths: which one a request asks for, in a header or in `Accept`.

import { headerValue } from './exchange.ts';

/** Where a gateway's version is stated, and whether it also answers who states none. The router compares normal spellings. */
export interface VersionRule {
  readonly by: 'header' | 'accept';
  /** The header, or the parameter of a media range (`application/json;version=2`). */
  readonly name: string;
  readonly value: string;
  readonly isDefault: boolean;
}

/** The rule in normal spelling; undefined where there is none. */
export function toVersionRule(version: VersionRule | undefined): VersionRule | undefined {
  if (version === undefined) return undefined;
  const { by, name, value, isDefault } = version;
  return { by, name: name.toLowerCase(), value: normalizeVersion(value), isDefault };
}

/** `v2`, `V2` and `2` are one version. */
export function normalizeVersion(version: string): string {
  const lower = version.trim().toLowerCase();
  return /^v\d/.test(lower) ? lower.slice(1) : lower;
}

/** What the request states where the rule looks, in normal spelling; the most wanted first, empty when it states nothing. */
export function statedVersions(rule: VersionRule, headers: readonly string[]): readonly string[] {
  switch (rule.by) {
    case 'header': {
      const value = headerValue(headers, rule.name);
      return value === undefined || value.trim() === '' ? [] : [normalizeVersion(value)];
    }
    case 'accept':
      return readAccept(headers, rule.name);
  }
}

const MAX_RANGES = 50;

/** RFC 9110 §12.5.1: media ranges by their quality; those that refuse (`q=0`) or do not name a version do not count. */
function readAccept(headers: readonly string[], name: string): string[] {
  const value = headerValue(headers, 'accept');
  if (value?.includes(';') !== true) return [];
  const found: { version: string; quality: number }[] = [];
  for (const range of value.split(',', MAX_RANGES)) {
    let version: string | undefined;
    let quality = 1;
    for (const parameter of range.split(';').slice(1)) {
      const equals = parameter.indexOf('=');
      if (equals < 0) continue;
      const key = parameter.slice(0, equals).trim().toLowerCase();
      const text = unquote(parameter.slice(equals + 1).trim());
      if (key === name) version = normalizeVersion(text);
      else if (key === 'q') quality = Number(text);
    }
    if (version !== undefined && quality > 0) found.push({ version, quality });
  }
  return found.toSorted((a, b) => b.quality - a.quality).map(({ version }) => version);
}

function unquote(text: string): string {
  return text.length > 1 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}
