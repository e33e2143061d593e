// The parts of a gateway that requests, answers and declarations share.

import { Type } from 'typebox';
import { closed, oneOf, optional, text } from '../schema-parts.ts';
import * as upstream from './upstream-schema.ts';

export const MAX_TIMEOUT_SECONDS = 3_600;

export const UpstreamService = closed({
  name: text(100, 'What endpoints call it by; unique in the gateway.', { format: 'service-name' }),
  targets: Type.Array(
    closed({
      url: text(
        2_000,
        'Where it listens. A path in it is put before that of the request. Of a name, every address that DNS tells is called. `http+srv://_api._tcp.example.com` and `https+srv:` ask for SRV records.',
        { format: 'target-url' },
      ),
      ...upstream.targetFields,
    }),
    {
      minItems: 1,
      maxItems: 100,
      description: 'Requests are shared among them.',
    },
  ),
  timeout: optional(
    Type.Integer({
      minimum: 1,
      maximum: MAX_TIMEOUT_SECONDS * 1_000,
      description: 'Milliseconds to the first byte, and between two.',
    }),
  ),
  stripPrefix: optional(
    Type.Boolean({
      description: 'The service does not see the gateway’s routePrefix, nor the version behind it. false unless told.',
    }),
  ),
  ...upstream.serviceFields,
});

const headerValue = (about: string) => optional(text(4_000, about, { format: 'field-value' }));

const SecurityHeaders = closed(
  {
    strictTransportSecurity: headerValue('`Strict-Transport-Security`, on answers over TLS only.'),
    contentTypeOptions: optional(oneOf(['nosniff'], '`X-Content-Type-Options`.')),
    frameOptions: optional(oneOf(['DENY', 'SAMEORIGIN'], '`X-Frame-Options`.')),
    referrerPolicy: headerValue('`Referrer-Policy`.'),
    contentSecurityPolicy: headerValue('`Content-Security-Policy`.'),
    permissionsPolicy: headerValue('`Permissions-Policy`.'),
    crossOriginOpenerPolicy: headerValue('`Cross-Origin-Opener-Policy`.'),
    crossOriginResourcePolicy: headerValue('`Cross-Origin-Resource-Policy`.'),
  },
  { description: 'Put on every answer that does not have them from the service.' },
);

export const SecuritySettings = closed(
  {
    authenticationRequired: optional(
      Type.Boolean({ description: 'Endpoints need a key unless they say otherwise. true unless told.' }),
    ),
    rateLimitingEnabled: optional(
      Type.Boolean({ description: 'The limits of keys and endpoints hold. true unless told.' }),
    ),
    headers: optional(SecurityHeaders),
    maxBodyBytes: optional(
      Type.Integer({
        minimum: 0,
        maximum: 1_099_511_627_776,
        description: 'Longer bodies of requests are refused with 413. The setting `MAX_BODY_BYTES` holds as well.',
      }),
    ),
  },
  { description: 'Replaced as a whole.' },
);

export const Versioning = closed(
  {
    by: oneOf(
      ['path', 'header', 'accept'],
      'How callers say that they mean this `version`: behind routePrefix, in a header, or in `Accept: application/json;version=2`.',
    ),
    name: optional(
      text(
        100,
        'Of the header (`X-API-Version` unless told) or of the parameter in `Accept` (`version` unless told).',
        {
          format: 'token',
        },
      ),
    ),
    isDefault: optional(
      Type.Boolean({ description: 'Answers callers who say no version, too. false unless told; not by path.' }),
    ),
  },
  { description: 'For several gateways on the same paths, one for each version. Replaced as a whole.' },
);

const names = (about: string) =>
  optional(
    Type.Array(Type.String({ format: 'token', maxLength: 100 }), {
      maxItems: 100,
      uniqueItems: true,
      description: about,
    }),
  );

export const Cors = closed(
  {
    allowOrigins: Type.Array(Type.String({ format: 'origin', maxLength: 300 }), {
      minItems: 1,
      maxItems: 100,
      uniqueItems: true,
      description: 'Such as `https://app.example.com`, `https://*.example.com`, or `*` for all.',
    }),
    allowMethods: names('All that can be published unless told.'),
    allowHeaders: names('`*` for whatever a page asks for, which is so unless told.'),
    exposeHeaders: names(
      'What pages may read beside the usual fields. `X-Request-Id` and the fields of limits unless told.',
    ),
    allowCredentials: optional(
      Type.Boolean({ description: 'Cookies may come along, from origins that are named. false unless told.' }),
    ),
    maxAgeSeconds: optional(
      Type.Integer({
        minimum: 0,
        maximum: 86_400,
        description: 'How long a browser may keep the answer. 600 unless told.',
      }),
    ),
  },
  { description: 'Lets pages of other origins call; preflights are answered by the gateway. Replaced as a whole.' },
);

export const hosts = Type.Array(Type.String({ format: 'host-pattern', maxLength: 253 }), {
  maxItems: 20,
  uniqueItems: true,
  description: 'Answers for these hosts only, such as `api.example.com` or `*.example.com`; for all when empty.',
});
