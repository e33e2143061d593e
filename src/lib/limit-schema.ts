// Limits as JSON Schema: for configurations, and for what the gateway tells the control plane of a caller.

import { type TProperties, Type } from 'typebox';
import { MAX_LIMIT } from './limit.ts';

const count = Type.Integer({ minimum: 1, maximum: MAX_LIMIT });
const expose = Type.Optional(Type.Boolean());
const minute = Type.Literal('minute');
const hour = Type.Literal('hour');

const ofWindow = {
  algorithm: Type.Optional(Type.Union([Type.Literal('fixed'), Type.Literal('sliding')])),
  window: Type.Union([minute, hour, Type.Literal('day'), Type.Literal('month')]),
  limit: count,
  timeZone: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
  expose,
};
const ofBurst = {
  algorithm: Type.Literal('bucket'),
  burst: count,
  window: Type.Union([minute, hour]),
  limit: count,
  expose,
};
const ofConcurrency = { algorithm: Type.Literal('concurrency'), limit: count, expose };

/** One limit, as in limit.ts, with whatever else stands beside it. */
export function limitSchema<const Extra extends TProperties>(extra: Extra) {
  const closed = { additionalProperties: false };
  return Type.Union([
    Type.Object({ ...ofWindow, ...extra }, closed),
    Type.Object({ ...ofBurst, ...extra }, closed),
    Type.Object({ ...ofConcurrency, ...extra }, closed),
  ]);
}
