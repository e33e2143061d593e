// What is wrong with a message. The first offending octet decides, however the message was split.

/** A message that is refused: the status for a request, the reason for the record. The connection is closed after it. */
export interface WireFault {
  readonly status: 400 | 405 | 413 | 414 | 417 | 431 | 501 | 505;
  readonly reason: string;
}

export const FAULTS = {
  startLine: { status: 400, reason: 'malformed start line' },
  version: { status: 505, reason: 'HTTP version not supported' },
  target: { status: 400, reason: 'malformed request target' },
  targetLength: { status: 414, reason: 'request target too long' },
  fieldName: { status: 400, reason: 'malformed field name' },
  fieldValue: { status: 400, reason: 'forbidden octet in a field value' },
  lineEnd: { status: 400, reason: 'line not ended by CRLF' },
  headLength: { status: 431, reason: 'head too long' },
  fieldCount: { status: 431, reason: 'too many fields' },
  host: { status: 400, reason: 'missing, repeated or malformed Host' },
  contentLength: { status: 400, reason: 'repeated or malformed Content-Length' },
  framing: { status: 400, reason: 'Content-Length beside Transfer-Encoding' },
  transferCoding: { status: 501, reason: 'transfer coding not supported' },
  transferEncoding: { status: 400, reason: 'malformed or misplaced Transfer-Encoding' },
  expectation: { status: 417, reason: 'unknown expectation' },
  method: { status: 501, reason: 'method not implemented' },
  methodForbidden: { status: 405, reason: 'method not allowed' },
  chunkSize: { status: 400, reason: 'malformed chunk size' },
  chunkExtension: { status: 400, reason: 'malformed or too long chunk extension' },
  chunkEnd: { status: 400, reason: 'chunk not ended by CRLF' },
  trailer: { status: 400, reason: 'malformed trailer' },
} as const satisfies Record<string, WireFault>;
