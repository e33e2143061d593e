// Finds the parts of a message head, octet by octet and once: where the start line's three parts and the fields lie. Resumable at every
// octet, so that a head in single bytes is judged exactly like a head in one read. Nothing is decoded here.
//
// Neighbours say much the same from message to message (the premise of HPACK, RFC 7541 §2). A field section that is octet for octet the one
// before it on the same connection is therefore compared in place of being read: what it means was found out the first time. With a whole head,
// those who ask for heads do so before they come here.

import { CR, COLON, FIELD_VALUE, isWhiteSpace, LF, SPACE, TOKEN } from './octets.ts';
import { FAULTS, type WireFault } from './fault.ts';
import { toKind } from './field-kind.ts';
import { Fields, SPAN } from './fields.ts';
import { RememberedHead } from './remembered-head.ts';

export interface HeadLimits {
  /** Start line, fields and the blank line together. */
  readonly headBytes: number;
  readonly fields: number;
  /** Of the start line's middle part: a request's target. */
  readonly targetBytes: number;
}

/** Which octets the start line's first and middle parts may hold, and the fault when they hold others. */
export interface StartLine {
  readonly first: Uint8Array;
  readonly middle: Uint8Array;
  readonly last: Uint8Array;
  /** Whether the last part may be missing with its space, as in `HTTP/1.1 200`. */
  readonly isLastOptional: boolean;
  /** Whether an empty line may stand before (RFC 9112 §2.2). */
  readonly isEmptyLineSkipped: boolean;
  readonly middleFault: WireFault;
  readonly middleLengthFault: WireFault;
}

const START = 0;
const START_LF = 1;
const FIRST = 2;
const MIDDLE = 3;
const LAST = 4;
const LINE_LF = 5;
const FIELD_START = 6;
const NAME = 7;
const BEFORE_VALUE = 8;
const VALUE = 9;
const VALUE_LF = 10;
const END_LF = 11;

export class HeadScanner {
  readonly #rules: StartLine;
  readonly #limits: HeadLimits;
  #state = START;
  /** All offsets count from the head's first octet. */
  #position = 0;
  #partStart = 0;
  #nameEnd = 0;
  #skippedEmptyLine = false;

  firstStart = 0;
  firstEnd = 0;
  middleEnd = 0;
  lastEnd = 0;
  /** Of the fields found so far, as `Fields` takes them; values without the white space around them. Kept from head to head. */
  readonly #spans: number[] = [];
  #spanned = 0;
  #kinds = 0;
  #isCanonical = true;

  #sectionStart = 0;
  /** The last head that was found complete. */
  readonly remembered = new RememberedHead();
  /** Its fields, once somebody asked for them. */
  #known: Fields | undefined = undefined;
  #isRepeated = false;

  constructor(rules: StartLine, limits: HeadLimits) {
    this.#rules = rules;
    this.#limits = limits;
  }

  reset(): void {
    this.#state = START;
    this.#position = 0;
    this.#skippedEmptyLine = false;
    this.#spanned = 0;
    this.#kinds = 0;
    this.#isCanonical = true;
    this.#isRepeated = false;
  }

  /** The head that was found complete, in Latin-1: without its fields, where they are known. */
  readText(bytes: Buffer, from: number): string {
    return bytes.toString('latin1', from, from + (this.#isRepeated ? this.#sectionStart : this.#position));
  }

  /** The fields of the head that was found complete; `text` is what `readText` gave. The same object while they repeat. */
  toFields(text: string): Fields {
    if (this.#isRepeated && this.#known !== undefined) return this.#known;
    const fields = new Fields(text, this.#spans.slice(0, this.#spanned), this.#kinds, this.#isCanonical);
    if (this.remembered.sectionLength > 0) this.#known = fields;
    return fields;
  }

  /** How many octets of the head were scanned. */
  get scanned(): number {
    return this.#position;
  }

  /**
   * Goes on scanning the head that begins at `from` and is known up to `end`. Call again with the same head, grown, for undefined.
   * `true` when the head is complete: then `scanned` is its length.
   */
  scan(bytes: Uint8Array, from: number, end: number): true | undefined | WireFault {
    const limit = this.#limits.headBytes;
    const stop = Math.min(end - from, limit);
    let at = this.#position;
    while (at < stop) {
      const octet = bytes[from + at] ?? 0;
      switch (this.#state) {
        case START:
          if (octet === CR && this.#rules.isEmptyLineSkipped && !this.#skippedEmptyLine) {
            this.#skippedEmptyLine = true;
            this.#state = START_LF;
            at++;
            break;
          }
          this.firstStart = at;
          this.#state = FIRST;
          break;
        case START_LF:
          if (octet !== LF) return FAULTS.lineEnd;
          this.#state = START;
          at++;
          break;
        case FIRST: {
          const table = this.#rules.first;
          while (at < stop && table[bytes[from + at] ?? 0] === 1) at++;
          if (at === stop) break;
          if (bytes[from + at] !== SPACE || at === this.firstStart) return FAULTS.startLine;
          this.firstEnd = at;
          this.#state = MIDDLE;
          at++;
          break;
        }
        case MIDDLE: {
          const table = this.#rules.middle;
          const last = Math.min(stop, this.firstEnd + 1 + this.#limits.targetBytes);
          while (at < last && table[bytes[from + at] ?? 0] === 1) at++;
          if (at === stop) break;
          const next = bytes[from + at] ?? 0;
          if (at === last && table[next] === 1) return this.#rules.middleLengthFault;
          if (at === this.firstEnd + 1) return FAULTS.startLine;
          this.middleEnd = at;
          this.lastEnd = at;
          if (next === SPACE) this.#state = LAST;
          else if (next === CR && this.#rules.isLastOptional) this.#state = LINE_LF;
          else return this.#rules.middleFault;
          at++;
          break;
        }
        case LAST: {
          const table = this.#rules.last;
          while (at < stop && table[bytes[from + at] ?? 0] === 1) at++;
          if (at === stop) break;
          if (bytes[from + at] !== CR) return FAULTS.startLine;
          this.lastEnd = at;
          this.#state = LINE_LF;
          at++;
          break;
        }
        case LINE_LF: {
          if (octet !== LF) return FAULTS.lineEnd;
          this.#state = FIELD_START;
          at++;
          this.#sectionStart = at;
          const { remembered } = this;
          if (this.#known === undefined || !remembered.sectionStandsAt(bytes, from + at, from + stop)) break;
          remembered.setLine(bytes, from, from + at);
          this.#isRepeated = true;
          this.#position = at + remembered.sectionLength;
          return true;
        }
        case VALUE_LF:
          if (octet !== LF) return FAULTS.lineEnd;
          this.#state = FIELD_START;
          at++;
          break;
        case FIELD_START:
          if (octet === CR) {
            this.#state = END_LF;
            at++;
            break;
          }
          if (this.#spanned >= this.#limits.fields * SPAN) return FAULTS.fieldCount;
          this.#partStart = at;
          this.#state = NAME;
          break;
        case NAME: {
          while (at < stop && TOKEN[bytes[from + at] ?? 0] === 1) at++;
          if (at === stop) break;
          // White space here is a fold (RFC 9112 §5.2), before the colon it is §5.1's request smuggler: both are refused.
          if (bytes[from + at] !== COLON || at === this.#partStart) return FAULTS.fieldName;
          this.#nameEnd = at;
          this.#state = BEFORE_VALUE;
          at++;
          break;
        }
        case BEFORE_VALUE:
          while (at < stop && isWhiteSpace(bytes[from + at])) at++;
          if (at === stop) break;
          this.#beginField(bytes, from, at);
          this.#state = VALUE;
          break;
        case VALUE: {
          while (at < stop && FIELD_VALUE[bytes[from + at] ?? 0] === 1) at++;
          if (at === stop) break;
          if (bytes[from + at] !== CR) return bytes[from + at] === LF ? FAULTS.lineEnd : FAULTS.fieldValue;
          let valueEnd = at;
          while (valueEnd > this.#partStart && isWhiteSpace(bytes[from + valueEnd - 1])) valueEnd--;
          if (valueEnd !== at) this.#isCanonical = false;
          this.#spans[this.#spanned - 2] = valueEnd;
          this.#state = VALUE_LF;
          at++;
          break;
        }
        case END_LF:
          if (octet !== LF) return FAULTS.lineEnd;
          this.#position = at + 1;
          this.#known = undefined;
          this.remembered.set(bytes, from, from + this.#sectionStart, from + this.#position);
          return true;
        default:
          throw new Error('a head scanner in no known state');
      }
    }
    this.#position = at;
    return at === limit ? FAULTS.headLength : undefined;
  }

  /** Name and colon have been read, and white space up to `at`, where the value begins. */
  #beginField(bytes: Uint8Array, from: number, at: number): void {
    const kind = toKind(bytes, from + this.#partStart, from + this.#nameEnd);
    const spans = this.#spans;
    let i = this.#spanned;
    spans[i++] = this.#partStart;
    spans[i++] = this.#nameEnd;
    spans[i++] = at;
    spans[i++] = at;
    spans[i++] = kind;
    this.#spanned = i;
    this.#kinds |= 1 << kind;
    if (at !== this.#nameEnd + 2 || bytes[from + at - 1] !== SPACE) this.#isCanonical = false;
    this.#partStart = at;
  }
}
