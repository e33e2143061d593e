// An operation of the management API as data: its route, who may call it, what goes in and comes out, and the function that does it.
// `bind` makes it ready at load; the result takes what a caller sent and answers, or throws a Problem.

import { Type, type Static, type TObject, type TSchema } from 'typebox';
import type { Principal } from '../gateway/ports.ts';
import type { Fault } from '../lib/problem.ts';
import type { Caller } from './caller.ts';
import { checkPermission, type Access } from './permissions.ts';
import type { Services } from './services.ts';
import { faultsOf, invalidRequest, type Validation } from './validation.ts';

export interface Context extends Caller {
  readonly nowMs: number;
  readonly services: Services;
}

/** The context of an operation that needs a permission: somebody holds it. */
export interface AuthorizedContext extends Context {
  readonly principal: Principal;
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
  [Status in keyof R & number]: { readonly status: Status; readonly data: Static<R[Status]>; readonly meta?: ListMeta };
}[keyof R & number];

export interface Input<P extends TObject, Q extends TObject, H extends TObject, B extends TObject> {
  readonly params: Static<P>;
  readonly query: Static<Q>;
  readonly headers: Static<H>;
  readonly body: Static<B>;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

interface Spec<
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
  /** No body means an empty one. */
  readonly isBodyOptional?: boolean;
  /** Status → the schema of `data`. */
  readonly replies: R;
  /** The data is a list and comes with `meta`. */
  readonly isList?: boolean;
  /** The answer as it is, without envelope, on every path: for documents in a format of their own. */
  readonly isBare?: boolean;
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
  readonly handle: (input: Input<P, Q, H, B>, context: C) => Promise<Answer<NoInfer<R>>>;
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

export interface Outcome {
  readonly status: number;
  readonly body: unknown;
}

export type BoundOperation = (raw: RawInput, context: Context, form: Form) => Promise<Outcome>;

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
  readonly headers: TObject;
  readonly body: TObject | undefined;
  readonly isBodyOptional: boolean;
  readonly replies: Replies;
  readonly isList: boolean;
  readonly isBare: boolean;
  readonly compact: { readonly path: string; readonly reply: TSchema } | undefined;
  bind(validation: Validation): BoundOperation;
}

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
  return toOperation(spec, 'public', (context) => context);
}

/** An operation for callers who hold one of the permissions. */
export function operation<
  R extends Replies,
  P extends TObject = Nothing,
  Q extends TObject = Nothing,
  H extends TObject = Nothing,
  B extends TObject = Nothing,
>(anyOf: readonly string[], spec: Spec<P, Q, H, B, R, AuthorizedContext>): Operation {
  return toOperation(spec, { anyOf }, (context) => ({
    ...context,
    principal: checkPermission(anyOf, context.principal),
  }));
}

function toOperation<
  R extends Replies,
  P extends TObject,
  Q extends TObject,
  H extends TObject,
  B extends TObject,
  C extends Context,
>(spec: Spec<P, Q, H, B, R, C>, access: Access, authorize: (context: Context) => C): Operation {
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
    headers: spec.headers ?? NOTHING,
    body: spec.body,
    isBodyOptional: spec.isBodyOptional ?? false,
    replies: spec.replies,
    isList: spec.isList ?? false,
    isBare: spec.isBare ?? false,
    compact: spec.compact && { path: spec.compact.path, reply: spec.compact.reply },
    bind: (validation) => bind(spec, authorize, validation),
  };
}

function bind<
  R extends Replies,
  P extends TObject,
  Q extends TObject,
  H extends TObject,
  B extends TObject,
  C extends Context,
>(spec: Spec<P, Q, H, B, R, C>, authorize: (context: Context) => C, validation: Validation): BoundOperation {
  const checkParams = validation.compile('params', spec.params);
  const checkQuery = validation.compile('query', spec.query);
  const checkHeaders = validation.compile('headers', spec.headers);
  const checkBody = validation.compile('body', spec.body);
  const headerNames = Object.keys(spec.headers?.properties ?? {});

  return async (raw, context, form) => {
    const authorized = authorize(context);
    const params = checkParams(raw.params);
    const query = checkQuery(raw.query);
    const headers = checkHeaders(pick(raw.headers, headerNames));
    const mayLackBody = spec.body === undefined || spec.isBodyOptional === true;
    const body = checkBody(mayLackBody ? (raw.body ?? {}) : raw.body);
    const semantic = spec.faults?.({ query: query.sound, body: body.sound }, authorized) ?? [];
    if (!params.ok || !query.ok || !headers.ok || !body.ok || semantic.length > 0) {
      throw invalidRequest([params, query, headers, body].flatMap(faultsOf), semantic);
    }
    const answer = await spec.handle(
      { params: params.value, query: query.value, headers: headers.value, body: body.value },
      authorized,
    );
    return { status: answer.status, body: toBody(spec, answer, form) };
  };
}

function toBody<R extends Replies>(
  spec: { readonly isBare?: boolean; readonly compact?: { readonly present: (answer: Answer<R>) => unknown } },
  answer: Answer<R>,
  form: Form,
): unknown {
  if (form === 'compact' && spec.compact !== undefined) return spec.compact.present(answer);
  if (spec.isBare === true) return answer.data;
  return { success: answer.status < 400, data: answer.data, ...(answer.meta !== undefined && { meta: answer.meta }) };
}

function pick(headers: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.filter((name) => headers[name] !== undefined).map((name) => [name, headers[name]]));
}
