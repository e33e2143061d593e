// The header section of a message, as it stands on the wire: one text, and where in it the fields lie. What is passed on unchanged goes
// as it came, in runs of whole lines; a name or a value is cut out only when somebody asks for it.

import { hasKind, toKind } from './field-kind.ts';

/** Name start, name end, value start, value end, kind. */
export const SPAN = 5;

export class Fields {
  /** What the offsets count in; Latin-1. */
  readonly #text: string;
  readonly #spans: readonly number[];
  readonly #isCanonical: boolean;
  readonly length: number;
  /** The set of kinds that occur. */
  readonly kinds: number;
  #list: string[] | undefined = undefined;
  /** What was last asked to be left out, and what was left. */
  #without = -1;
  #lines = '';

  /** `isCanonical`: every line is `name: value` CRLF, and they follow each other. */
  constructor(text: string, spans: readonly number[], kinds: number, isCanonical: boolean) {
    this.#text = text;
    this.#spans = spans;
    this.#isCanonical = isCanonical;
    this.length = spans.length / SPAN;
    this.kinds = kinds;
  }

  /** From a flat list: name, value, … */
  static of(list: readonly string[]): Fields {
    let text = '';
    const spans: number[] = [];
    let kinds = 0;
    for (let i = 0; i + 1 < list.length; i += 2) {
      const name = list[i] ?? '';
      const line = `${name}: ${list[i + 1]}`;
      const kind = toKind(Buffer.from(name, 'latin1'), 0, name.length);
      const start = text.length;
      spans.push(start, start + name.length, start + name.length + 2, start + line.length, kind);
      kinds |= 1 << kind;
      text += `${line}\r\n`;
    }
    return new Fields(text, spans, kinds, true);
  }

  kind(index: number): number {
    return this.#spans[index * SPAN + 4] ?? 0;
  }

  name(index: number): string {
    return this.#text.slice(this.#spans[index * SPAN], this.#spans[index * SPAN + 1]);
  }

  value(index: number): string {
    return this.#text.slice(this.#spans[index * SPAN + 2], this.#spans[index * SPAN + 3]);
  }

  /** The value of the first field of this kind. */
  first(kind: number): string | undefined {
    if (!hasKind(this.kinds, kind)) return undefined;
    for (let i = 0; i < this.length; i++) if (this.kind(i) === kind) return this.value(i);
    return undefined;
  }

  /** Whether there is a field of this name, which is given in lower case. */
  has(name: string): boolean {
    for (let i = 0; i < this.length; i++) {
      const length = (this.#spans[i * SPAN + 1] ?? 0) - (this.#spans[i * SPAN] ?? 0);
      if (length === name.length && this.name(i).toLowerCase() === name) return true;
    }
    return false;
  }

  /** How many fields of this kind there are. */
  count(kind: number): number {
    if (!hasKind(this.kinds, kind)) return 0;
    let count = 0;
    for (let i = 0; i < this.length; i++) if (this.kind(i) === kind) count++;
    return count;
  }

  /** The values of the fields of this kind, joined to the one list that they are (RFC 9110 §5.3); undefined when there is none. */
  joined(kind: number): string | undefined {
    if (!hasKind(this.kinds, kind)) return undefined;
    let joined: string | undefined;
    for (let i = 0; i < this.length; i++) {
      if (this.kind(i) === kind) joined = joined === undefined ? this.value(i) : `${joined}, ${this.value(i)}`;
    }
    return joined;
  }

  /** Flat: name, value, …; order, case and duplicates kept. */
  list(): string[] {
    if (this.#list === undefined) {
      this.#list = [];
      for (let i = 0; i < this.length; i++) this.#list.push(this.name(i), this.value(i));
    }
    return this.#list;
  }

  /** The fields whose kinds are not in the set, as lines that each end with CRLF, in order and as they came. */
  linesWithout(set: number): string {
    if (set !== this.#without) {
      this.#lines = this.#isCanonical ? this.#cutWithout(set) : this.#rewrittenWithout(set);
      this.#without = set;
    }
    return this.#lines;
  }

  #cutWithout(set: number): string {
    const spans = this.#spans;
    const last = spans.length - SPAN;
    if (last < 0) return '';
    let lines = '';
    let runStart = -1;
    for (let at = 0; at <= last; at += SPAN) {
      if ((set & (1 << (spans[at + 4] ?? 0))) === 0) {
        if (runStart < 0) runStart = spans[at] ?? 0;
      } else if (runStart >= 0) {
        lines += this.#text.slice(runStart, spans[at]);
        runStart = -1;
      }
    }
    return runStart < 0 ? lines : lines + this.#text.slice(runStart, (spans[last + 3] ?? 0) + 2);
  }

  /** White space around values is the sender's whim, which some recipients read in their own way: it ends here. */
  #rewrittenWithout(set: number): string {
    let lines = '';
    for (let i = 0; i < this.length; i++) {
      if (!hasKind(set, this.kind(i))) lines += `${this.name(i)}: ${this.value(i)}\r\n`;
    }
    return lines;
  }
}
