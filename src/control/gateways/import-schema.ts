// Imports of OpenAPI documents as requests and answers write them.

import { Type, type Static } from 'typebox';
import { closed, optional, text } from '../schema-parts.ts';
import { GatewayDocument, Step } from './declaration-schema.ts';

const MAX_CHARACTERS = 16 * 1024 * 1024;

export const ImportRequest = closed({
  document: Type.Unsafe<string | Readonly<Record<string, unknown>>>({
    type: ['string', 'object'],
    maxLength: MAX_CHARACTERS,
    description:
      'OpenAPI 3.0 or 3.1: the text of it, JSON or (up to 1 MiB) YAML; or the JSON itself, where it is not nested deeply.',
  }),
  gatewayId: optional(
    text(
      100,
      'Whose endpoints they become; those that are there and not in the document stay. A new gateway unless told.',
    ),
  ),
  name: optional(text(255, 'Of the new gateway; `info.title` unless told.')),
  routePrefix: optional(text(100, 'Of the new gateway; made of its name unless told.', { format: 'route-prefix' })),
  target: optional(
    text(2_000, 'Where the service listens; the first of `servers` that is an http(s) URL unless told.', {
      format: 'http-url',
    }),
  ),
  dryRun: optional(Type.Boolean({ description: 'Only shows what would become of it. false unless told.' })),
});

export const NotCarried = closed({
  what: Type.String({ description: 'Such as `request bodies`.' }),
  why: Type.String({ description: 'And what to do about it.' }),
  count: Type.Integer({ description: 'In how many places.' }),
  places: Type.Array(Type.String(), { description: 'Some of them, such as `POST /users`.' }),
});

export const Imported = closed({
  gatewayId: optional(Type.String({ description: 'Absent when nothing was made.' })),
  declaration: GatewayDocument,
  steps: Type.Array(Step, { description: 'What was made and changed, or would be.' }),
  notCarried: Type.Array(NotCarried, { description: 'What the document says beyond that.' }),
});

export type ImportRequest = Static<typeof ImportRequest>;
export type NotCarried = Static<typeof NotCarried>;
export type Imported = Static<typeof Imported>;
