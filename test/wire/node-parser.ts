// Node's own strict parser (llhttp), without a socket. `_http_common` is the module that node:http itself takes it from; nothing public
// gives it, and a server fed through streams would be some thirty times slower. Only this file knows of it, and only tests use it.

import { createRequire } from 'node:module';

export interface NodeMessage {
  /** Undefined in an answer. */
  readonly method: string | undefined;
  readonly target: string | undefined;
  readonly status: number | undefined;
  readonly headers: readonly string[];
  readonly keepAlive: boolean;
  /** Whether another protocol follows. */
  readonly isUpgrade: boolean;
  body: string;
  trailers: readonly string[];
  isComplete: boolean;
}

export interface NodeOutcome {
  readonly messages: readonly NodeMessage[];
  /** What it refused the input for. */
  readonly refusal: string | undefined;
}

/** Major and minor version, fields, method, target, status, reason, whether another protocol follows, whether the connection stays. */
type HeadersComplete = (
  ...parts: [
    number,
    number,
    string[] | undefined,
    number | undefined,
    string | undefined,
    number | undefined,
    string | undefined,
    boolean,
    boolean,
  ]
) => number;

interface Parser {
  initialize(type: number, resource: object, maxHeaderSize: number, leniency: number): void;
  execute(bytes: Buffer): number | (Error & { readonly code: string; readonly reason: string });
  [callback: number]: unknown;
}

interface ParserClass {
  new (): Parser;
  readonly REQUEST: number;
  readonly RESPONSE: number;
  readonly kOnHeaders: number;
  readonly kOnHeadersComplete: number;
  readonly kOnBody: number;
  readonly kOnMessageComplete: number;
  readonly kLenientNone: number;
}

interface Internals {
  readonly HTTPParser: ParserClass;
  readonly methods: readonly string[];
}

const { HTTPParser, methods } = createRequire(import.meta.url)('_http_common') as Internals;

const MAX_HEADER_BYTES = 65_536;

export class NodeParser {
  readonly #parser: Parser;
  readonly #type: number;
  #messages: NodeMessage[] = [];
  #headers: string[] = [];
  #target: string | undefined = undefined;
  #hasNoBody = false;

  constructor(kind: 'requests' | 'responses') {
    this.#type = kind === 'requests' ? HTTPParser.REQUEST : HTTPParser.RESPONSE;
    const parser = new HTTPParser();
    // Comes before the head is complete when there are many fields, and with the trailers.
    parser[HTTPParser.kOnHeaders] = (headers: string[], target: string) => {
      const current = this.#current;
      if (current !== undefined) current.trailers = [...current.trailers, ...headers];
      else {
        this.#headers.push(...headers);
        this.#target = target;
      }
    };
    const onHead: HeadersComplete = (...[, , headers, method, target, status, , isUpgrade, keepAlive]) => {
      this.#messages.push({
        method: method === undefined ? undefined : methods[method],
        target: target ?? this.#target,
        status,
        headers: headers ?? this.#headers,
        keepAlive,
        isUpgrade,
        body: '',
        trailers: [],
        isComplete: false,
      });
      this.#headers = [];
      this.#target = undefined;
      return this.#hasNoBody ? 1 : 0;
    };
    parser[HTTPParser.kOnHeadersComplete] = onHead;
    parser[HTTPParser.kOnBody] = (bytes: Buffer) => {
      if (this.#current !== undefined) this.#current.body += bytes.toString('latin1');
    };
    parser[HTTPParser.kOnMessageComplete] = () => {
      if (this.#current !== undefined) this.#current.isComplete = true;
    };
    this.#parser = parser;
  }

  /** `hasNoBody` for answers to HEAD. */
  read(raw: string, hasNoBody = false): NodeOutcome {
    this.#messages = [];
    this.#headers = [];
    this.#target = undefined;
    this.#hasNoBody = hasNoBody;
    this.#parser.initialize(this.#type, {}, MAX_HEADER_BYTES, HTTPParser.kLenientNone);
    const result = this.#parser.execute(Buffer.from(raw, 'latin1'));
    return {
      messages: this.#messages,
      refusal: typeof result === 'number' ? undefined : `${result.code}: ${result.reason}`,
    };
  }

  get #current(): NodeMessage | undefined {
    const last = this.#messages.at(-1);
    return last?.isComplete === false ? last : undefined;
  }
}
