// What a service makes of requests and answers, as requests and answers of this API write it.

import { Type } from 'typebox';
import { closed, optional, text } from '../schema-parts.ts';

const MAX_FIELDS = 50;

/** By name; how the names look is for the rules to say. */
const texts = (value: object, maxProperties: number, description: string) =>
  optional(
    Type.Unsafe<Record<string, string>>({
      type: 'object',
      additionalProperties: { type: 'string', ...value },
      maxProperties,
      description,
    }),
  );

const fieldValues = (description: string) =>
  texts({ minLength: 1, maxLength: 4_000, format: 'field-value' }, MAX_FIELDS, description);

const FieldChanges = (whose: string) =>
  closed(
    {
      set: fieldValues('In place of whatever stands there by this name.'),
      add: fieldValues('Beside whatever stands there by this name.'),
      remove: optional(
        Type.Array(Type.String({ format: 'token', maxLength: 100 }), { maxItems: MAX_FIELDS, uniqueItems: true }),
      ),
    },
    {
      description: `Changes of the headers of ${whose}. In values, {requestId}, {tenantId}, {gatewayId}, {endpointId}, {clientId}, {keyId}, {clientAddress}, {method}, {path}, {host} and {scheme} stand for what the request tells; a value that comes to nothing is left out. Braces are written {{ and }}. Headers that frame or route messages are not to be changed.`,
    },
  );

/** Of a service. */
export const rewritingFields = {
  pathRewrite: texts(
    { maxLength: 1_000 },
    20,
    'Regular expressions (RE2) and what the first match of each is replaced with; `$1` and `$<name>` stand for groups. They read the path after stripPrefix, without the query. Of several that match, the longest expression holds.',
  ),
  headers: fieldValues('The same as `requestHeaders.set`.'),
  requestHeaders: optional(FieldChanges('requests to the service')),
  responseHeaders: optional(FieldChanges('its answers')),
  host: optional(
    text(
      260,
      'What the service reads in `Host`: `target` for the target’s own, `caller` for what the caller asked at, or a name. target unless told.',
      {
        format: 'host',
      },
    ),
  ),
};
