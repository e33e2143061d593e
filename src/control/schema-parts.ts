// Pieces that the schemas of several resources are made of.

import { Type, type Static, type TProperties, type TSchema, type TString } from 'typebox';

export function closed<Properties extends TProperties>(properties: Properties, options: { description?: string } = {}) {
  return Type.Object(properties, { ...options, additionalProperties: false });
}

export function text(
  maxLength: number,
  description: string,
  more: { minLength?: number; format?: string } = {},
): TString {
  return Type.String({ minLength: 1, maxLength, description, ...more });
}

/** The same text, or null to clear what is there. */
export function clearable(schema: TString) {
  return Type.Unsafe<string | null>({ ...schema, type: ['string', 'null'] });
}

/** The same of any other type that has one. */
export function nullable<Schema extends TSchema & { readonly type: string }>(schema: Schema) {
  return Type.Unsafe<Static<Schema> | null>({ ...schema, type: [schema.type, 'null'] });
}

/** The same of any other kind. */
export function clearableValue<Schema extends TSchema>(schema: Schema, type: 'array' | 'object') {
  return Type.Unsafe<Static<Schema> | null>({ ...schema, type: [type, 'null'] });
}

/** A time in an answer. */
export function time(description: string) {
  return Type.String({ format: 'date-time', description });
}

/** A time in a request. */
export function givenTime(description: string): TString {
  return Type.String({ format: 'date-time', maxLength: 40, description });
}

export const IdParams = closed({ id: Type.String({ maxLength: 100, description: 'The id of the resource.' }) });

/** What is answered to a DELETE after which nothing is left to show. */
export const DeletedResource = closed({
  id: Type.String(),
  deleted: Type.Unsafe<boolean>({ type: 'boolean', const: true }),
});

export function oneOf<const Names extends readonly string[]>(names: Names, description: string) {
  return Type.Unsafe<Names[number]>({ type: 'string', enum: names, ...(description !== '' && { description }) });
}

/** One of the names, or null to clear what is there. */
export function clearableOneOf<const Names extends readonly string[]>(names: Names, description: string) {
  return Type.Unsafe<Names[number] | null>({ type: ['string', 'null'], enum: [...names, null], description });
}

export function optional<Schema extends TSchema>(schema: Schema) {
  return Type.Optional(schema);
}
