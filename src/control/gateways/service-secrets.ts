// The secrets that a gateway shows to its services: sealed before anything else is done with them, and what is wrong with those that came. Pure.

import { X509Certificate, createPrivateKey } from 'node:crypto';
import type { UpstreamService } from '../../db/publishing-schema.ts';
import type { ServiceConfig } from '../../gateway/snapshot.ts';
import { isReservedField } from '../../lib/field-template.ts';
import { Problem, type Fault } from '../../lib/problem.ts';
import { sealText, type SecretOwner } from '../../lib/sealed-text.ts';
import type { GatewayTerms } from './gateway-columns.ts';

type Credentials = NonNullable<UpstreamService['credentials']>;
type Tls = NonNullable<UpstreamService['tls']>;

/** The terms with every secret sealed. Throws `invalid_request` for one that is sealed for another gateway. */
export function withSealedSecrets<Terms extends Pick<GatewayTerms, 'upstreamServices'>>(
  terms: Terms,
  owner: SecretOwner,
): Terms {
  if (terms.upstreamServices === undefined) return terms;
  const errors: Fault[] = [];
  const sealFields = <Part extends Credentials | Tls>(part: Part, names: readonly string[], at: string): Part => {
    const sealed = { ...part };
    for (const name of names) {
      const text: unknown = Reflect.get(part, name);
      if (typeof text !== 'string') continue;
      const made = sealText(text, owner);
      if (made === undefined) errors.push({ path: `${at}.${name}`, message: FOREIGN });
      else Reflect.set(sealed, name, made);
    }
    return sealed;
  };
  const upstreamServices = terms.upstreamServices.map((service, i) => {
    const at = `body.upstreamServices[${i}]`;
    return Object.assign(
      { ...service },
      {
        ...(service.credentials && {
          credentials: sealFields(service.credentials, ['password', 'token', 'key'], `${at}.credentials`),
        }),
        ...(service.tls && { tls: sealFields(service.tls, ['key'], `${at}.tls`) }),
      },
    );
  });
  if (errors.length > 0) throw new Problem('invalid_request', { errors });
  return { ...terms, upstreamServices };
}

const FOREIGN = 'was sealed for another gateway, or altered: send the secret itself';

export function toSecrets({ credentials, tls }: Partial<UpstreamService>): Pick<ServiceConfig, 'credentials' | 'tls'> {
  return { ...(credentials && { credentials: toCredentials(credentials) }), ...(tls && { tls: { ...tls } }) };
}

/** For such as were checked. */
function toCredentials(said: Credentials): NonNullable<ServiceConfig['credentials']> {
  const { type, username = '', password = '', token = '', header = 'X-API-Key', key = '' } = said;
  switch (type) {
    case 'basic':
      return { type, username, password };
    case 'bearer':
      return { type, token };
    case 'api_key':
      return { type: 'header', name: header.toLowerCase(), value: key };
  }
}

const FIELDS = {
  basic: { needed: ['username', 'password'], known: ['username', 'password'] },
  bearer: { needed: ['token'], known: ['token'] },
  api_key: { needed: ['key'], known: ['header', 'key'] },
} as const satisfies Record<Credentials['type'], { needed: readonly string[]; known: readonly string[] }>;

/** Paths are below `at`. */
export function secretFaults({ credentials, tls }: Partial<UpstreamService>, at: string): Fault[] {
  const own = credentials === undefined ? [] : credentialFaults(credentials, `${at}.credentials`);
  return tls === undefined ? own : own.concat(tlsFaults(tls, `${at}.tls`));
}

function credentialFaults(credentials: Credentials, at: string): Fault[] {
  const { needed, known } = FIELDS[credentials.type];
  const given = Object.keys(credentials).filter((name) => name !== 'type');
  const missing = needed.filter((name) => !given.includes(name));
  const strange = given.filter((name) => !known.some((one) => one === name));
  const faults = [
    ...missing.map((name) => ({ path: `${at}.${name}`, message: `is required with ${credentials.type}` })),
    ...strange.map((name) => ({ path: `${at}.${name}`, message: `goes without ${credentials.type}` })),
  ];
  if (
    credentials.header !== undefined &&
    (isReservedField(credentials.header) || !/^[A-Za-z0-9-]+$/.test(credentials.header))
  )
    faults.push({
      path: `${at}.header`,
      message: 'must be a header of letters, digits and dashes that is free to be set',
    });
  for (const name of ['token', 'key'] as const) {
    const value = credentials[name];
    if (value !== undefined && !/^[\x21-\x7e]+$/.test(value))
      faults.push({ path: `${at}.${name}`, message: 'must be printable ASCII without blanks' });
  }
  return faults;
}

function tlsFaults({ certificate, key, ca }: Tls, at: string): Fault[] {
  const faults: Fault[] = [];
  if ((certificate === undefined) !== (key === undefined))
    faults.push({
      path: `${at}.${key === undefined ? 'key' : 'certificate'}`,
      message: 'is required beside the other',
    });
  const own = parseCertificate(certificate, `${at}.certificate`, faults);
  parseCertificate(ca, `${at}.ca`, faults);
  if (key === undefined || key.startsWith('sealed:')) return faults;
  try {
    const parsed = createPrivateKey(key);
    if (own?.checkPrivateKey(parsed) === false)
      faults.push({ path: `${at}.key`, message: 'is not that of the certificate' });
  } catch {
    faults.push({ path: `${at}.key`, message: 'must be a private key in PEM, not encrypted' });
  }
  return faults;
}

function parseCertificate(pem: string | undefined, path: string, faults: Fault[]): X509Certificate | undefined {
  if (pem === undefined) return undefined;
  try {
    return new X509Certificate(pem);
  } catch {
    faults.push({ path, message: 'is no certificate in PEM' });
    return undefined;
  }
}
