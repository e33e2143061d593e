// The whole body of an operation's answer, as JSON Schema: the envelope around its data.

import { Type, type TSchema } from 'typebox';
import type { Form, Operation } from './operation.ts';
import { closed, optional } from './schema-parts.ts';

const Meta = closed({
  page: optional(Type.Integer({ description: 'Absent when a cursor led here.' })),
  pageSize: Type.Integer(),
  total: Type.Integer({ description: 'Entries on all pages together.' }),
  nextCursor: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description: 'Leads to the next page; null at the end.',
  }),
});

export function replySchema(operation: Operation, status: number, form: Form): TSchema {
  if (form === 'compact' && operation.compact !== undefined) return operation.compact.reply;
  const data = operation.replies[status];
  if (data === undefined) throw new Error(`${operation.id} declares no answer with status ${status}`);
  if (operation.isBare) return data;
  const success = Type.Unsafe<boolean>({ type: 'boolean', const: status < 400 });
  return operation.isList ? closed({ success, data, meta: Meta }) : closed({ success, data });
}
