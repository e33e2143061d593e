// The chunked transfer coding (RFC 9112 §7.1), strict and resumable at every octet. Extensions are checked and dropped, never passed on.

import { FAULTS, type WireFault } from './fault.ts';
import { COLON, CR, FIELD_VALUE, hexValue, LF, TOKEN } from './octets.ts';
import { isForbiddenTrailer, MAX_TRAILER_BYTES } from './trailers.ts';

/** 13 hexadecimal digits stay below 2^53. */
const MAX_SIZE_DIGITS = 13;
/** Over a whole body, so that tiny chunks with long extensions cannot cost more than they carry for ever. */
const MAX_EXTENSION_BYTES = 16_384;

const SIZE = 0;
const EXTENSION = 1;
const QUOTED = 2;
const QUOTED_PAIR = 3;
const SIZE_LF = 4;
const DATA = 5;
const DATA_CR = 6;
const DATA_LF = 7;
const TRAILER_START = 8;
const TRAILER_NAME = 9;
const TRAILER_VALUE = 10;
const TRAILER_LF = 11;
const END_LF = 12;
const DONE = 13;

const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Takes the data of chunks: what stands between `from` and `end` of what was fed. */
export interface ChunkData {
  onData(bytes: Buffer, from: number, end: number): void;
}

export class ChunkedDecoder {
  #state = SIZE;
  #digits = 0;
  #size = 0;
  #extensionBytes = 0;
  #trailer = '';
  #trailerNameStart = 0;
  /** Where the next octet of an extension stands: 0 after `;`, 1 in a name, 2 after `=`, 3 in a value, 4 after a quoted value. */
  #extensionPart = 0;

  get isDone(): boolean {
    return this.#state === DONE;
  }

  /** The trailer section, flat: name, value, …; complete when `isDone`. */
  get trailers(): string[] {
    return this.#trailer.split('\r\n').flatMap((line) => {
      const colon = line.indexOf(':');
      return colon < 0 ? [] : [line.slice(0, colon), line.slice(colon + 1).replaceAll(/^[ \t]+|[ \t]+$/g, '')];
    });
  }

  /** Decodes what lies between `from` and `end`; answers with the offset after the last octet that belongs to the body, or with a fault. */
  feed(bytes: Buffer, from: number, end: number, to: ChunkData): number | WireFault {
    let at = from;
    while (at < end && this.#state !== DONE) {
      if (this.#state === DATA) {
        const dataEnd = Math.min(end, at + this.#size);
        this.#size -= dataEnd - at;
        to.onData(bytes, at, dataEnd);
        at = dataEnd;
        if (this.#size === 0) this.#state = DATA_CR;
        continue;
      }
      const fault = this.#step(bytes[at] ?? 0);
      if (fault !== undefined) return fault;
      at++;
    }
    return at;
  }

  #step(octet: number): WireFault | undefined {
    switch (this.#state) {
      case SIZE:
        return this.#stepSize(octet);
      case EXTENSION:
      case QUOTED:
      case QUOTED_PAIR:
        if (++this.#extensionBytes > MAX_EXTENSION_BYTES) return FAULTS.chunkExtension;
        return this.#stepExtension(octet);
      case SIZE_LF:
        if (octet !== LF) return FAULTS.chunkSize;
        this.#state = this.#size === 0 ? TRAILER_START : DATA;
        this.#digits = 0;
        return undefined;
      case DATA_CR:
        if (octet !== CR) return FAULTS.chunkEnd;
        this.#state = DATA_LF;
        return undefined;
      case DATA_LF:
        if (octet !== LF) return FAULTS.chunkEnd;
        this.#state = SIZE;
        return undefined;
      default:
        return this.#stepTrailer(octet);
    }
  }

  #stepSize(octet: number): WireFault | undefined {
    const value = hexValue(octet);
    if (value >= 0) {
      if (++this.#digits > MAX_SIZE_DIGITS) return FAULTS.chunkSize;
      this.#size = this.#size * 16 + value;
      return undefined;
    }
    if (this.#digits === 0) return FAULTS.chunkSize;
    if (octet === CR) this.#state = SIZE_LF;
    else if (octet === SEMICOLON) {
      this.#state = EXTENSION;
      this.#extensionPart = 0;
    } else return FAULTS.chunkSize;
    return undefined;
  }

  /** chunk-ext = *( ";" name [ "=" ( token / quoted-string ) ] ), without the white space that RFC 9112 calls bad. */
  #stepExtension(octet: number): WireFault | undefined {
    if (this.#state === QUOTED_PAIR) {
      this.#state = QUOTED;
      return FIELD_VALUE[octet] === 1 ? undefined : FAULTS.chunkExtension;
    }
    if (this.#state === QUOTED) {
      if (octet === QUOTE) {
        this.#state = EXTENSION;
        this.#extensionPart = 4;
      } else if (octet === BACKSLASH) this.#state = QUOTED_PAIR;
      else if (FIELD_VALUE[octet] !== 1) return FAULTS.chunkExtension;
      return undefined;
    }
    const part = this.#extensionPart;
    if (TOKEN[octet] === 1) {
      if (part === 4) return FAULTS.chunkExtension;
      this.#extensionPart = part < 2 ? 1 : 3;
    } else if (octet === EQUALS && part === 1) this.#extensionPart = 2;
    else if (octet === QUOTE && part === 2) this.#state = QUOTED;
    else if (part === 0 || part === 2) return FAULTS.chunkExtension;
    else if (octet === SEMICOLON) this.#extensionPart = 0;
    else if (octet === CR) this.#state = SIZE_LF;
    else return FAULTS.chunkExtension;
    return undefined;
  }

  #stepTrailer(octet: number): WireFault | undefined {
    switch (this.#state) {
      case TRAILER_START:
        if (octet === CR) this.#state = END_LF;
        else if (TOKEN[octet] === 1) {
          this.#state = TRAILER_NAME;
          this.#trailerNameStart = this.#trailer.length;
        } else return FAULTS.trailer;
        break;
      case TRAILER_NAME:
        if (octet === COLON) {
          if (isForbiddenTrailer(this.#trailer.slice(this.#trailerNameStart).toLowerCase())) return FAULTS.trailer;
          this.#state = TRAILER_VALUE;
        } else if (TOKEN[octet] !== 1) return FAULTS.trailer;
        break;
      case TRAILER_VALUE:
        if (octet === CR) this.#state = TRAILER_LF;
        else if (FIELD_VALUE[octet] !== 1) return FAULTS.trailer;
        break;
      case TRAILER_LF:
        if (octet !== LF) return FAULTS.trailer;
        this.#state = TRAILER_START;
        break;
      case END_LF:
        if (octet !== LF) return FAULTS.trailer;
        this.#state = DONE;
        return undefined;
      default:
        throw new Error('a chunked decoder in no known state');
    }
    if (this.#state === END_LF) return undefined;
    if (this.#trailer.length >= MAX_TRAILER_BYTES) return FAULTS.trailer;
    this.#trailer += String.fromCharCode(octet);
    return undefined;
  }
}
