// What a service is shown of us: credentials in a field, a certificate in the TLS handshake. Snapshots carry the secrets sealed; they are opened when
// a snapshot is compiled, in the memory of a gateway thread and nowhere else.

import { createHash } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { Type, type Static } from 'typebox';
import { type SecretOwner, unsealText } from '../../lib/sealed-text.ts';
import type { TargetTls } from '../plan.ts';

const closed = { additionalProperties: false };
const text = Type.Optional(Type.String());

const Credentials = Type.Union([
  Type.Object({ type: Type.Literal('basic'), username: Type.String(), password: Type.String() }, closed),
  Type.Object({ type: Type.Literal('bearer'), token: Type.String() }, closed),
  Type.Object(
    { type: Type.Literal('header'), name: Type.String({ pattern: '^[a-z0-9-]{1,100}$' }), value: Type.String() },
    closed,
  ),
]);

export const secretFields = {
  credentials: Type.Optional(Credentials),
  /** PEM; the key is sealed. */
  tls: Type.Optional(Type.Object({ certificate: text, key: text, ca: text, serverName: text }, closed)),
};

const SecretsConfig = Type.Object(secretFields);
type SecretsConfig = Static<typeof SecretsConfig>;

/** The field that carries the credentials: its name, and its line with CRLF. Undefined when they cannot be opened. */
interface CredentialField {
  readonly name: string;
  readonly line: string;
}

export function openCredentials(
  credentials: NonNullable<SecretsConfig['credentials']>,
  owner: SecretOwner,
): CredentialField | undefined {
  switch (credentials.type) {
    case 'basic': {
      const password = unsealText(credentials.password, owner);
      if (password === undefined) return undefined;
      // RFC 7617 §2.
      return toField('authorization', `Basic ${Buffer.from(`${credentials.username}:${password}`).toString('base64')}`);
    }
    case 'bearer': {
      const token = unsealText(credentials.token, owner);
      return token === undefined ? undefined : toField('authorization', `Bearer ${token}`);
    }
    case 'header': {
      const value = unsealText(credentials.value, owner);
      return value === undefined ? undefined : toField(credentials.name, value);
    }
  }
}

/** Undefined when the key cannot be opened, or does not fit. */
export function openTls(tls: NonNullable<SecretsConfig['tls']>, owner: SecretOwner): TargetTls | undefined {
  const key = tls.key === undefined ? undefined : unsealText(tls.key, owner);
  if (tls.key !== undefined && key === undefined) return undefined;
  const { certificate: cert, ca, serverName } = tls;
  // Connections on which we have shown who we are belong to this gateway alone.
  const identity = createHash('sha256')
    .update(JSON.stringify([owner.tenantId, owner.gatewayId, cert, tls.key, ca, serverName]))
    .digest('base64url');
  try {
    const context = createSecureContext({
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      ...(ca !== undefined && { ca }),
    });
    return { identity, context, serverName };
  } catch {
    return undefined;
  }
}

/** What would break a line breaks the credentials. */
function toField(name: string, value: string): CredentialField | undefined {
  return /^[\x20-\x7e]+$/.test(value) ? { name, line: `${name}: ${value}\r\n` } : undefined;
}
