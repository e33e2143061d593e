// Which of HTTP's own request headers an operation keeps to: conditions (RFC 9110 §13) and Idempotency-Key. Told by its method and its path.

import { Type, type TObject } from 'typebox';
import type { Access } from './permissions.ts';
import { optional } from './schema-parts.ts';

/** `read`: a GET of one resource. `change`: a call that replaces or removes one. */
export type Conditions = 'read' | 'change' | undefined;

export interface Standards {
  readonly conditions: Conditions;
  /** The data of its answers is the resource itself: they carry its `ETag`. */
  readonly answersResource: boolean;
  /** Idempotency-Key is heard. */
  readonly isRepeatable: boolean;
  readonly headers: TObject;
}

const MAX_LIST = 2_000;

function tags(description: string) {
  return optional(Type.String({ maxLength: MAX_LIST, format: 'entity-tags', description }));
}

const READ = {
  'if-none-match': tags('`ETag` of an answer before: 304 without a body when nothing changed since.'),
  'if-match': tags('Only while the resource has one of these tags; otherwise 412.'),
};
const CHANGE = {
  'if-match': tags('`ETag` of the resource as you know it: 412, and nothing changed, when it is not that any more.'),
  'if-none-match': tags('With `*`: only when there is none yet.'),
};
const REPEATABLE = {
  'idempotency-key': optional(
    Type.String({
      format: 'idempotency-key',
      description:
        'Chosen by you, such as a UUID. The same call with the same key is carried out once, and gets the first answer again for 24 hours.',
    }),
  ),
};

export interface Route {
  readonly method: string;
  /** Parameters as `{id}`. */
  readonly path: string;
  readonly access: Access;
}

export function standardsOf({ method, path, access }: Route): Standards {
  const conditions = conditionsOf(method, path);
  // Without credentials nobody could tell one caller's keys from another's.
  const isRepeatable = method === 'POST' && access !== 'public';
  const properties = {
    ...(conditions === 'read' && READ),
    ...(conditions === 'change' && CHANGE),
    ...(isRepeatable && REPEATABLE),
  };
  const answersResource = conditions !== undefined && method !== 'DELETE';
  return {
    conditions,
    answersResource,
    isRepeatable,
    headers: Type.Object(properties, { additionalProperties: false }),
  };
}

/** A path that ends with a parameter is that of one resource. */
function conditionsOf(method: string, path: string): Conditions {
  switch (method) {
    case 'GET':
      return path.endsWith('}') ? 'read' : undefined;
    case 'PUT':
    case 'PATCH':
    case 'DELETE':
      return 'change';
    default:
      return undefined;
  }
}
