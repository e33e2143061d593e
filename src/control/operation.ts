// An operation of the management API as data: its route, who may call it, what goes in and comes out, and the function that does it.
// `bind` makes it ready at load (bind.ts); the result takes what a caller sent and answers, or throws a Problem.

import { Type, type Static, type TObject, type TSchema } from 'typebox';
import type { Principal } from '../gateway/ports.ts';
import type { Fault } from '../lib/problem.ts';
import { actIn, TENANT_HEADER } from './acting.ts';
import { bind } from './bind.ts';
import type { Caller } from './caller.ts';
import type { Claim } from './idempotency/store.ts';
import { checkPermission, type Access } from './permissions.ts';
import type { Precondition } from './precondition.ts';
import { standardsOf, type Standards } from './standard-headers.ts';
import type { Services } from './services.ts';
import type { Validation } from './validation.ts';

/** A call as it came. */
export interface Arrival extends Caller {
  readonly nowMs: number;
  readonly services: Services;
}

export interface Context extends Arrival {
  /** What the caller makes the change depend on. Every PUT, PATCH and DELETE checks it. */
  readonly precondition: Precondition;
  /** Of a call with an Idempotency-Key. */
  readonly claim: Claim | undefined;
}

/** The context of an operation that needs a permission: somebody holds it. */
export interface AuthorizedContext extends Context {
  readonly principal: Principal;
  /** The same at home, whichever tenant the call acts in. */
  readonly caller: Principal;
}

export interface ListMeta {
  readonly page?: number;
  readonly pageSize: number;
  readonly total: number;
  readonly nextCursor: string | null;
}

export type Replies = Readonly<Record<number, TSchema>>;

/** What a handler gives back: one of the declared statuses with its data. */
export type Answer<R extends Replies> = {
  [Status in keyof R & number]: {
    readonly status: Status;
    readonly data: Static<R[Status]>;
    readonly meta?: ListMeta;
    /** The resource as GET shows it, where `data` is something else: what `ETag` tells of. */
    readonly resource?: object;
  };
}[keyof R & number];

/** An answer of any size, in a format of its own: made while it is sent, as fast as it is taken. */
export interface StreamedAnswer {
  readonly mediaType: string;
  /** What a browser saves it as; it shows what has no name. */
  readonly fileName?: string;
  /** Ended early when the caller leaves; whatever breaks it breaks the answer off. */
  readonly chunks: AsyncIterable<string>;
}

export interface Input<P extends TObject, Q extends TObject, H extends TObject, B extends TObject> {
  readonly params: Static<P>;
  readonly query: Static<Q>;
  readonly headers: Static<H>;
  readonly body: Static<B>;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface Spec<
  P extends TObject,
  Q extends TObject,
  H extends TObject,
  B extends TObject,
  R extends Replies,
  C extends Context,
> {
  /** Verb and noun, as OpenAPI's operationId: `createKey`. */
  readonly id: string;
  readonly method: Method;
  /** Below `/api/v1`, parameters as `{id}`. */
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  readonly tag: string;
  readonly params?: P;
  readonly query?: Q;
  /** Names in lower case; other headers of the request stay unseen. */
  readonly headers?: H;
  readonly body?: B;
  /** The longest body, where the usual mebibyte does not do. */
  readonly maxBodyBytes?: number;
  /** No body means an empty one. */
  readonly isBodyOptional?: boolean;
  /** Status → the schema of `data`. */
  readonly replies: R;
  /** The data is a list and comes with `meta`. */
  readonly isList?: boolean;
  /** The answer as it is, without envelope, on every path: for documents in a format of their own. */
  readonly isBare?: boolean;
  /** The media types of an answer that is streamed; then there are no other replies. */
  readonly streams?: readonly string[];
  /** The same at the root, in the bare form of the compact surface. */
  readonly compact?: {
    readonly path: string;
    readonly reply: TSchema;
    readonly present: (answer: Answer<R>) => unknown;
  };
  /** What no schema can tell, of the fields that the schema found sound; listed together with the schema's own faults. */
  readonly faults?: (
    sound: { readonly query: Partial<Static<Q>>; readonly body: Partial<Static<B>> },
    context: C,
  ) => Fault[];
  readonly handle: (input: Input<P, Q, H, B>, context: C) => Promise<Answer<NoInfer<R>> | StreamedAnswer>;
}

/** What came in, before anything of it is believed. */
export interface RawInput {
  readonly params: unknown;
  readonly query: unknown;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Undefined when no body came. */
  readonly body: unknown;
}

export type Form = 'envelope' | 'compact';

export type Outcome = WholeAnswer | StreamedAnswer;

export interface WholeAnswer {
  readonly status: number;
  /** Undefined when there is none, as with 304. */
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

export type BoundOperation = (raw: RawInput, arrival: Arrival, form: Form) => Promise<Outcome>;

/** An operation as everybody but its author sees it. */
export interface Operation {
  readonly id: string;
  readonly method: Method;
  readonly path: string;
  readonly summary: string;
  readonly description: string;
  readonly tag: string;
  readonly access: Access;
  readonly params: TObject;
  readonly query: TObject;
  /** Its own, and those of the standards that it keeps to. */
  readonly headers: TObject;
  readonly standards: Standards;
  readonly body: TObject | undefined;
  readonly maxBodyBytes: number;
  readonly isBodyOptional: boolean;
  readonly replies: Replies;
  readonly isList: boolean;
  readonly isBare: boolean;
  readonly streams: readonly string[];
  readonly compact: { readonly path: string; readonly reply: TSchema } | undefined;
  bind(validation: Validation): BoundOperation;
}

const MAX_BODY_BYTES = 1024 * 1024;
/** Lets a caller in, or throws. */
export type Authorize<C extends Context> = (context: Context, raw: RawInput) => Promise<C>;

const NOTHING = Type.Object({}, { additionalProperties: false });
type Nothing = typeof NOTHING;

/** An operation that anybody may call. */
export function publicOperation<
  R extends Replies,
  P extends TObject = Nothing,
  Q extends TObject = Nothing,
  H extends TObject = Nothing,
  B extends TObject = Nothing,
>(spec: Spec<P, Q, H, B, R, Context>): Operation {
  return toOperation(spec, 'public', async (context) => context);
}

/** An operation for callers who hold one of the permissions, in the tenant that they act in. */
export function operation<
  R extends Replies,
  P extends TObject = Nothing,
  Q extends TObject = Nothing,
  H extends TObject = Nothing,
  B extends TObject = Nothing,
>(anyOf: 'authenticated' | readonly string[], spec: Spec<P, Q, H, B, R, AuthorizedContext>): Operation {
  const access = anyOf === 'authenticated' ? anyOf : { anyOf };
  return toOperation(spec, access, async (context, { headers }) => {
    const caller = checkPermission(anyOf, context.principal);
    const tenantId = headers[TENANT_HEADER];
    const principal = typeof tenantId === 'string' ? await actIn(context.services.db, caller, tenantId) : caller;
    return { ...context, caller, principal };
  });
}

function toOperation<
  R extends Replies,
  P extends TObject,
  Q extends TObject,
  H extends TObject,
  B extends TObject,
  C extends Context,
>(spec: Spec<P, Q, H, B, R, C>, access: Access, authorize: Authorize<C>): Operation {
  const standards = standardsOf({ method: spec.method, path: spec.path, access });
  const headers = { ...spec.headers?.properties, ...standards.headers.properties };
  return {
    id: spec.id,
    method: spec.method,
    path: spec.path,
    summary: spec.summary,
    description: spec.description ?? '',
    tag: spec.tag,
    access,
    params: spec.params ?? NOTHING,
    query: spec.query ?? NOTHING,
    headers: Type.Object(headers, { additionalProperties: false }),
    standards,
    body: spec.body,
    maxBodyBytes: spec.maxBodyBytes ?? MAX_BODY_BYTES,
    isBodyOptional: spec.isBodyOptional ?? false,
    replies: spec.replies,
    isList: spec.isList ?? false,
    isBare: spec.isBare ?? false,
    streams: spec.streams ?? [],
    compact: spec.compact && { path: spec.compact.path, reply: spec.compact.reply },
    bind: (validation) => bind({ spec, standards, authorize }, validation),
  };
}
