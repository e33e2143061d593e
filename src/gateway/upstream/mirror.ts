// Sends copies of requests to a shadow service. The requests themselves never wait for it, and never learn of it: what comes back is thrown
// away, what fails has failed, and what does not fit is not sent.

import type { BodySink, BodySource } from '../body.ts';
import type { Exchange } from '../exchange.ts';
import type { Plan } from '../plan.ts';
import { CONTENT_LENGTH, hasKind } from '../wire/field-kind.ts';
import type { Fields } from '../wire/fields.ts';
import type { Call, CallEnd, CallEvents, Transport } from './call.ts';
import { CopiedBody } from './copied-body.ts';
import { Discard } from './discard.ts';
import { toFailure, type Failure } from './failure.ts';
import type { Member } from './member.ts';
import { toUpstreamLines } from './request-headers.ts';
import type { Timeouts } from './timeouts.ts';
import { toAuthority, toUpstreamPath } from './upstream-path.ts';

/** Requests with longer bodies are not copied. */
const MAX_BODY_BYTES = 65_536;
/** Of one service, in one thread; a copy counts from the first octet of its body on. */
const MAX_COPIES = 100;
/** Tells the shadow what it gets. Callers cannot say it: `Tollgate-*` is not passed on. */
const MARK = 'tollgate-mirror: 1\r\n';

export interface Mirror {
  /** The shadow's own way: its service, paths, headers and times. */
  readonly plan: Plan;
  /** From 0 to 1. */
  readonly share: number;
}

export interface MirrorDeps {
  readonly transport: Pick<Transport, 'send'>;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly pseudonym: string;
  /** Told of what broke on our side. */
  readonly onFailure: (exchange: Exchange, failure: Failure) => void;
}

/** Copies the request where it is its turn. What the service gets as its body from then on is the answer. */
export type CopyTo = (mirror: Mirror, exchange: Exchange) => BodySource | undefined;

export function createCopyTo(deps: MirrorDeps): CopyTo {
  return ({ plan, share }, exchange) => {
    const { body } = exchange;
    // What goes through a tunnel is no request.
    if (exchange.tunnel !== undefined || deps.random() >= share || isTooLong(exchange)) return body;
    const { upstream } = plan;
    const mayCopy = (): boolean => upstream.copies < MAX_COPIES;
    if (body === undefined) {
      if (mayCopy()) sendCopy(exchange, plan, { body: undefined, deps });
      return undefined;
    }
    return new CopiedBody(body, {
      maxBytes: MAX_BODY_BYTES,
      onStart() {
        if (!mayCopy()) return false;
        upstream.copies++;
        return true;
      },
      onCopy(copy) {
        upstream.copies--;
        if (copy !== undefined) sendCopy(exchange, plan, { body: copy, deps });
      },
    });
  };
}

/** Whether the length that was announced tells that there will be no copy. */
function isTooLong({ fields }: Exchange): boolean {
  return Number(fields.first(CONTENT_LENGTH) ?? 0) > MAX_BODY_BYTES;
}

interface Copy {
  readonly body: Buffer | undefined;
  readonly deps: MirrorDeps;
}

/** A defect on this way must not become one of the request's. */
function sendCopy(exchange: Exchange, plan: Plan, copy: Copy): void {
  try {
    send(exchange, plan, copy);
  } catch (cause) {
    copy.deps.onFailure(exchange, toFailure(cause, false));
  }
}

function send(exchange: Exchange, plan: Plan, { body, deps }: Copy): void {
  const path = toUpstreamPath(exchange, plan);
  const member = plan.rewriting?.isLocked === true ? undefined : plan.upstream.pick(exchange.clientAddress);
  if (path === undefined || member === undefined) return;
  const call = new MirrorCall(exchange, plan, {
    member,
    path: member.basePath + path + exchange.query,
    lines: toUpstreamLines(exchange, plan, deps.pseudonym) + MARK,
    body: body && new KeptBody(body),
  });
  deps.transport.send(call, call);
}

interface MirrorTerms {
  readonly member: Member;
  readonly path: string;
  readonly lines: string;
  readonly body: BodySource | undefined;
}

/** Knows nothing of the exchange but its beginning. */
class MirrorCall implements Call, CallEvents {
  readonly target: Member;
  readonly method: string;
  readonly authority: string;
  readonly path: string;
  readonly lines: string;
  readonly isLengthKnown: boolean;
  readonly body: BodySource | undefined;
  /** Never: the service may count what it gets. */
  readonly isRepeatable = false;
  readonly tunnel = undefined;
  readonly websocketKey = undefined;
  readonly timeouts: Timeouts;
  readonly #plan: Plan;
  readonly #epoch: number;
  #isKnown = false;

  constructor(exchange: Exchange, plan: Plan, { member, path, lines, body }: MirrorTerms) {
    this.target = member;
    this.method = exchange.method;
    this.authority = toAuthority(exchange, plan, member);
    this.path = path;
    this.lines = lines;
    this.isLengthKnown = hasKind(exchange.fields.kinds, CONTENT_LENGTH);
    this.body = body;
    // Nobody reads the answer, so nobody waits for the end of a long one.
    const { firstByteMs, totalMs } = plan.timeouts;
    this.timeouts = { ...plan.timeouts, totalMs: Math.min(totalMs, firstByteMs) };
    this.#plan = plan;
    this.#epoch = member.begin();
    plan.upstream.copies++;
  }

  onReached(): void {
    this.target.onReached();
  }

  onStuck(): void {
    this.target.onStuck(this);
  }

  onInterim(): void {}

  onHead(status: number, _fields: Fields, body: BodySource): void {
    this.#isKnown = this.target.onHead(status, this.#epoch);
    body.start(new Discard(body));
  }

  onFailure(failure: Failure): void {
    this.#plan.upstream.copies--;
    this.target.onFailure(failure, this.#epoch);
  }

  onEnd(end: CallEnd): void {
    this.#plan.upstream.copies--;
    this.target.onEnd(end, this.#epoch, this.#isKnown);
  }
}

/** A body that is there already. */
class KeptBody implements BodySource {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  start(sink: BodySink): void {
    if (this.#bytes.length > 0) sink.write(this.#bytes, 0, this.#bytes.length);
    sink.end();
  }

  resume(): void {}

  cancel(): void {}
}
