// The protocol of Redis (RESP2), as far as calls of limits need it: commands, and answers that are a line or one text. An answer of another
// kind is refused, and so is one that is larger than any of the script's.

/** Name and arguments, as text or as bytes. */
export type Command = readonly (string | Buffer)[];

const CR = 13;
const LF = 10;
const [STATUS, FAULT, TEXT] = [43, 45, 36];
/** Of an answer. The script's have a fifth of it at most; a line is shorter yet. */
const MAX_BYTES = 65_536;
const MAX_LINE_BYTES = 4096;

/** Adds the bytes of a command to those that go out. */
export function encodeCommand(command: Command, out: Buffer[]): void {
  let text = `*${command.length}\r\n`;
  for (const part of command) {
    if (typeof part === 'string') text += `$${Buffer.byteLength(part)}\r\n${part}\r\n`;
    else {
      out.push(Buffer.from(`${text}$${part.length}\r\n`), part);
      text = '\r\n';
    }
  }
  out.push(Buffer.from(text));
}

/** Puts answers together from what a connection gives. An error is what Redis says is one. */
export class RespReader {
  readonly #onReply: (reply: string | Buffer | null | Error) => void;
  #rest: Buffer | undefined;

  constructor(onReply: (reply: string | Buffer | null | Error) => void) {
    this.#onReply = onReply;
  }

  /** Texts are parts of the chunk: to be read at once. Throws for what is not the protocol: the connection is of no use any more. */
  read(chunk: Buffer): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (at < bytes.length) {
      const end = this.#readOne(bytes, at);
      if (end < 0) break;
      at = end;
    }
    if (bytes.length - at > MAX_BYTES + MAX_LINE_BYTES) throw new Error('an answer of Redis is too large');
    this.#rest = at === bytes.length ? undefined : bytes.subarray(at);
  }

  /** Where the answer ends; -1 when not all of it is there. */
  #readOne(bytes: Buffer, at: number): number {
    const kind = bytes[at];
    if (kind !== STATUS && kind !== FAULT && kind !== TEXT) throw new Error('Redis answered in another form');
    const line = bytes.indexOf(CR, at);
    if (line < 0 || line + 1 >= bytes.length) {
      if (bytes.length - at > MAX_LINE_BYTES) throw new Error('a line of Redis is too long');
      return -1;
    }
    if (bytes[line + 1] !== LF) throw new Error('a line of Redis does not end as it has to');
    const head = bytes.toString('latin1', at + 1, line);
    if (kind === TEXT) return this.#readText(bytes, line + 2, head);
    this.#onReply(kind === STATUS ? head : new Error(head));
    return line + 2;
  }

  #readText(bytes: Buffer, at: number, head: string): number {
    if (head === '-1') {
      this.#onReply(null);
      return at;
    }
    const size = /^\d{1,5}$/.test(head) ? Number(head) : NaN;
    if (!(size <= MAX_BYTES)) throw new Error('an answer of Redis has no size that can be');
    const end = at + size;
    if (bytes.length < end + 2) return -1;
    if (bytes[end] !== CR || bytes[end + 1] !== LF) throw new Error('a text of Redis does not end as it has to');
    this.#onReply(bytes.subarray(at, end));
    return end + 2;
  }
}
