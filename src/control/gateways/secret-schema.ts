// What a service is shown of us, as requests and answers of this API write it.

import { Type } from 'typebox';
import { closed, oneOf, optional, text } from '../schema-parts.ts';

const secret = (maxLength: number, about: string) =>
  optional(
    text(
      maxLength,
      `${about} Kept encrypted: answers show it sealed, as \`sealed:…\`, which may be sent back to leave it as it is, and is of no use elsewhere.`,
    ),
  );

const pem = (about: string) => optional(text(100_000, about, { format: 'pem' }));

const Credentials = closed(
  {
    type: oneOf(['basic', 'bearer', 'api_key'], 'How we say to the service who we are.'),
    username: optional(
      Type.String({ maxLength: 500, pattern: '^[^:\\u0000-\\u001f\\u007f]*$', description: 'With `basic`.' }),
    ),
    password: secret(4_000, 'With `basic`.'),
    token: secret(16_000, 'With `bearer`.'),
    header: optional(text(100, 'With `api_key`: where the key stands. X-API-Key unless told.', { format: 'token' })),
    key: secret(4_000, 'With `api_key`.'),
  },
  {
    description:
      'Sent with every request to the service; what callers send in the same header does not pass. Health checks go without.',
  },
);

const Tls = closed(
  {
    certificate: pem('Shown to targets on https:// that ask for one (mutual TLS), with those that lead to its root.'),
    key: secret(20_000, 'Of the certificate, in PEM.'),
    ca: pem('Who vouches for the targets, in place of those whom everybody trusts.'),
    serverName: optional(
      text(253, 'The name in the certificate of the targets, where it is not the host of their URLs.', {
        format: 'host-name',
      }),
    ),
  },
  { description: 'For targets on https://.' },
);

/** Of a service. */
export const secretFields = { credentials: optional(Credentials), tls: optional(Tls) };
