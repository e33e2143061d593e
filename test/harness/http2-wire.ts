// An HTTP/2 connection on which the test writes and reads frames (RFC 9113 §4, §6), so that it can say what no client library would.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';

export const FRAME = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;
export const END_STREAM = 1;
const ACK = 1;
const END_HEADERS = 4;
const PADDED = 8;
const PRIORITY = 0x20;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** What became of a request: the status of its answer, or that its stream or the whole connection was ended. */
export type Outcome = number | 'reset' | 'goaway' | 'closed';

export interface Http2Wire {
  readonly socket: TLSSocket;
  sendFrame(type: number, flags: number, stream: number, payload?: Uint8Array): void;
  /** Fields as a flat list, pseudo-headers too, exactly as given. */
  sendHeaders(stream: number, fields: readonly string[], flags?: number): void;
  /** The next frame, or undefined when the connection is over. */
  readFrame(): Promise<Frame | undefined>;
  /** Drops frames until one fits. */
  readUntil(fits: (frame: Frame) => boolean): Promise<Frame | undefined>;
  /** Drops frames until one says what becomes of the stream. */
  readOutcome(stream: number): Promise<Outcome>;
}

export interface Http2WireOptions {
  readonly port: number;
  readonly servername: string;
  readonly ca: string;
  /** Settings that the client announces, as numbers and values. */
  readonly settings?: readonly (readonly [number, number])[];
}

export async function openHttp2Wire({ port, servername, ca, settings = [] }: Http2WireOptions): Promise<Http2Wire> {
  const socket = connect({ host: '127.0.0.1', port, servername, ca, ALPNProtocols: ['h2'] });
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  let received: Buffer = Buffer.alloc(0);
  let isOver = false;
  let look = (): void => undefined;
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    look();
  });
  socket.on('close', () => {
    isOver = true;
    look();
  });

  function takeFrame(): Frame | undefined {
    if (received.length < 9) return undefined;
    const end = 9 + received.readUIntBE(0, 3);
    if (received.length < end) return undefined;
    const frame = {
      type: received.readUInt8(3),
      flags: received.readUInt8(4),
      stream: received.readUInt32BE(5) & 0x7fff_ffff,
      payload: received.subarray(9, end),
    };
    received = received.subarray(end);
    return frame;
  }

  async function readFrame(): Promise<Frame | undefined> {
    for (;;) {
      const frame = takeFrame();
      if (frame !== undefined || isOver) return frame;
      await new Promise<void>((resolve) => (look = resolve));
    }
  }

  async function readUntil(fits: (frame: Frame) => boolean): Promise<Frame | undefined> {
    for (;;) {
      const frame = await readFrame();
      if (frame === undefined || fits(frame)) return frame;
    }
  }

  const wire: Http2Wire = {
    socket,
    sendFrame(type, flags, stream, payload = Buffer.alloc(0)) {
      const head = Buffer.alloc(9);
      head.writeUIntBE(payload.length, 0, 3);
      head.writeUInt8(type, 3);
      head.writeUInt8(flags, 4);
      head.writeUInt32BE(stream, 5);
      socket.write(Buffer.concat([head, payload]));
    },
    sendHeaders(stream, fields, flags = END_STREAM) {
      wire.sendFrame(FRAME.headers, flags | END_HEADERS, stream, encodeFields(fields));
    },
    readFrame,
    readUntil,
    async readOutcome(stream) {
      const frame = await readUntil(
        ({ type, stream: of }) =>
          (of === stream && (type === FRAME.headers || type === FRAME.reset)) || type === FRAME.goaway,
      );
      if (frame === undefined) return 'closed';
      if (frame.type === FRAME.headers) return readStatus(frame);
      return frame.type === FRAME.reset ? 'reset' : 'goaway';
    },
  };
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  // Without a dynamic table every head of the other side can be read by itself.
  wire.sendFrame(FRAME.settings, 0, 0, encodeSettings([[1, 0], ...settings]));
  wire.sendFrame(FRAME.settings, ACK, 0);
  return wire;
}

function encodeSettings(settings: readonly (readonly [number, number])[]): Buffer {
  const payload = Buffer.alloc(settings.length * 6);
  for (const [i, [number, value]] of settings.entries()) {
    payload.writeUInt16BE(number, i * 6);
    payload.writeUInt32BE(value, i * 6 + 2);
  }
  return payload;
}

/** HPACK (RFC 7541 §6.2.2): literal, without indexing, a new name, no Huffman. */
function encodeFields(fields: readonly string[]): Buffer {
  const parts: Buffer[] = [];
  for (const [i, text] of fields.entries()) {
    if (i % 2 === 0) parts.push(Buffer.of(0));
    parts.push(encodeLength(Buffer.byteLength(text, 'latin1')), Buffer.from(text, 'latin1'));
  }
  return Buffer.concat(parts);
}

function encodeLength(length: number): Buffer {
  if (length < 127) return Buffer.of(length);
  const octets = [127];
  let rest = length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) octets.push((rest % 128) + 128);
  return Buffer.from([...octets, rest]);
}

/** `:status` comes first; the usual ones stand in the static table, the others as a literal value of an indexed name. */
function readStatus({ flags, payload }: Frame): number {
  assert.equal(flags & (PADDED | PRIORITY), 0);
  let at = 0;
  while ((payload.readUInt8(at) & 0xe0) === 0x20) at++; // The size of the dynamic table.
  const first = payload.readUInt8(at);
  if (first >= 0x88 && first <= 0x8e) return [200, 204, 206, 304, 400, 404, 500][first - 0x88] ?? 0;
  const length = payload.readUInt8(at + 1);
  const value = payload.subarray(at + 2, at + 2 + (length & 0x7f));
  return Number(length < 0x80 ? value.toString('latin1') : decodeDigits(value));
}

/** The digits of HPACK's Huffman code (RFC 7541, appendix B): five bits for 0 to 2, six for the others. */
function decodeDigits(value: Buffer): string {
  const bits = [...value].map((octet) => octet.toString(2).padStart(8, '0')).join('');
  let digits = '';
  for (let at = 0; at + 5 <= bits.length;) {
    const five = Number.parseInt(bits.slice(at, at + 5), 2);
    if (five <= 2) {
      digits += five;
      at += 5;
      continue;
    }
    const six = Number.parseInt(bits.slice(at, at + 6), 2) - 0x19 + 3;
    if (six > 9) break;
    digits += six;
    at += 6;
  }
  return digits;
}
