// Rewriting of paths by regular expressions, in time that grows with the length of the path and no faster: a path is the caller's choice, and the
// engine of JavaScript itself takes as long as it likes over some of them.

import { RE2JS, type Matcher } from 're2js';

export interface PathRule {
  /** In the syntax of RE2. */
  readonly pattern: string;
  /** `$1` and `$<name>` are what the groups have matched, `$&` is the whole match, `$$` a dollar sign. */
  readonly replacement: string;
}

/** What the first rule that matches makes of a path: its first match is replaced. */
export type RewritePath = (path: string) => string;

/** Instructions of the compiled pattern: with the longest path, a match takes some tens of milliseconds at worst. */
const MAX_INSTRUCTIONS = 250;
// RFC 3986 §3.3. What a caller's request could not hold, a rewritten one must not hold either.
const LITERAL = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*$/;
const REFERENCE = /\$(?:(\$)|(&)|(\d{1,2})|<([A-Za-z_][A-Za-z0-9_]*)>)/g;

/** What is wrong with a rule, or undefined. */
export function checkPathRule(rule: PathRule): string | undefined {
  const compiled = compileRule(rule);
  return typeof compiled === 'string' ? compiled : undefined;
}

/** For rules that were checked. */
export function compilePathRewrite(rules: readonly PathRule[]): RewritePath {
  const compiled = rules.map(compileRule).filter((rule) => typeof rule !== 'string');
  return (path) => {
    for (const { regex, parts } of compiled) {
      const matcher = regex.matcher(path);
      if (!matcher.find()) continue;
      const made = path.slice(0, matcher.start()) + fill(parts, matcher) + path.slice(matcher.end());
      return made.startsWith('/') ? made : `/${made}`;
    }
    return path;
  };
}

/** Text, or the number of a group. */
type Part = string | number;

interface CompiledRule {
  readonly regex: RE2JS;
  readonly parts: readonly Part[];
}

function compileRule({ pattern, replacement }: PathRule): CompiledRule | string {
  let regex: RE2JS;
  try {
    regex = RE2JS.compile(pattern);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.replace(/^error parsing regexp: /, '') : '';
    return `is no regular expression of RE2, which knows no look-around and no back-references: ${reason}`;
  }
  if (regex.programSize() > MAX_INSTRUCTIONS) return 'repeats too much: write it with smaller or without counts';
  const parts = toParts(replacement, regex);
  return typeof parts === 'string' ? parts : { regex, parts };
}

function toParts(replacement: string, regex: RE2JS): Part[] | string {
  const parts: Part[] = [];
  let from = 0;
  for (const match of replacement.matchAll(REFERENCE)) {
    const [whole, dollar, all, number, name] = match;
    const literal = replacement.slice(from, match.index);
    from = match.index + whole.length;
    if (literal.includes('$')) return UNCLEAR;
    parts.push(literal);
    if (dollar !== undefined) parts.push('$');
    else if (all !== undefined) parts.push(0);
    else {
      const group = number === undefined ? regex.namedGroups()[name ?? ''] : Number(number);
      if (group === undefined || group > regex.groupCount()) return `names a group ${whole} that the pattern has not`;
      parts.push(group);
    }
  }
  const rest = replacement.slice(from);
  if (rest.includes('$')) return UNCLEAR;
  parts.push(rest);
  const isPath = parts.every((part) => typeof part === 'number' || LITERAL.test(part));
  return isPath ? parts : 'is replaced by what cannot stand in a path: percent-encode it';
}

const UNCLEAR = 'is replaced by a text with a lone $: write $$ for the sign itself';

function fill(parts: readonly Part[], matcher: Matcher): string {
  let text = '';
  for (const part of parts) text += typeof part === 'string' ? part : (matcher.group(part) ?? '');
  return text;
}
