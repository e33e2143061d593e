// Where the requests of an endpoint go beside its service, as requests and answers write it.

import { Type } from 'typebox';
import { closed, optional, text } from '../schema-parts.ts';

const service = text(100, 'The name of one of the gateway’s services.', { format: 'service-name' });

const When = Type.Object(
  {
    header: optional(
      closed(
        {
          name: text(100, 'Of a header of the request.', { format: 'token' }),
          value: optional(text(1_000, 'Any value unless told.', { format: 'field-value' })),
        },
        { description: 'The request has it. Anybody may send it.' },
      ),
    ),
    clientIds: optional(
      Type.Array(text(100, '`cli_…`'), {
        minItems: 1,
        maxItems: 1_000,
        uniqueItems: true,
        description: 'The request is made with a key of one of these clients.',
      }),
    ),
  },
  { additionalProperties: false, minProperties: 1, description: 'All that is said must hold.' },
);

export const Traffic = Type.Object(
  {
    split: optional(
      Type.Array(
        closed({
          service,
          weight: optional(
            Type.Integer({
              minimum: 0,
              maximum: 1_000,
              description: 'Its part, beside the other weights, of what no `when` takes; 0 for none.',
            }),
          ),
          when: optional(When),
        }),
        {
          minItems: 1,
          maxItems: 20,
          description:
            'Each says a weight or a `when`. The first `when` that holds takes the request; the rest go by weight, or to the endpoint’s own service where there are no weights. By weight, a client stays where it is: so does a key without one, and an address without a key.',
        },
      ),
    ),
    mirror: optional(
      closed(
        {
          service,
          percent: Type.Number({ minimum: 0, maximum: 100, description: 'Of the requests, taken at random.' }),
        },
        {
          description:
            'Gets copies of requests, marked `Tollgate-Mirror: 1`, and its answers are thrown away. Not copied are WebSockets, bodies above 64 KB, and what goes beyond 100 copies at once in a gateway thread.',
        },
      ),
    ),
  },
  {
    additionalProperties: false,
    minProperties: 1,
    description: 'Where requests go beside the service. Replaced as a whole.',
  },
);
