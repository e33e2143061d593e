// In which country a caller is: told by a proxy that is trusted, or looked up in a database of addresses (MMDB, MaxMind's format).

import { isIP } from 'node:net';
import { Reader, type CountryResponse } from 'mmdb-lib';
import { isCountry } from '../lib/country.ts';
import { toPlainAddress } from '../lib/ip-range.ts';
import type { Exchange } from './exchange.ts';

/** Addresses whose country is remembered; forgotten all together, so that a flood of new ones costs no more than the look-up. */
const MAX_REMEMBERED = 1024;

export interface CountrySource {
  /** ISO 3166-1 alpha-2, or undefined when nobody can tell. */
  find(exchange: Exchange): string | undefined;
}

export interface CountryOptions {
  /** In lower case; undefined for none. Believed from trusted proxies only, who must set or remove it on every request. */
  readonly header: string | undefined;
  /** The bytes of the database, shared by all threads; undefined for none. */
  readonly database: SharedArrayBuffer | undefined;
}

export interface ReplaceableCountrySource extends CountrySource {
  /** Asks this database from now on. */
  replace(database: SharedArrayBuffer): void;
}

export function createCountrySource({ header, database }: CountryOptions): ReplaceableCountrySource {
  let lookUp = database === undefined ? undefined : createLookUp(database);
  return {
    replace(next) {
      lookUp = createLookUp(next);
    },
    find(exchange) {
      if (header !== undefined && exchange.isPeerTrusted) {
        const told = readTold(exchange.headers, header);
        // Whoever is trusted is believed in not knowing as well: Cloudflare's XX, or T1 for Tor.
        if (told !== undefined) return isCountry(told) ? told : undefined;
      }
      return lookUp?.(exchange.clientAddress);
    },
  };
}

/** Why these bytes are no database of countries, or undefined. */
export function countryDatabaseFault(bytes: SharedArrayBuffer): string | undefined {
  try {
    const { metadata } = new Reader<CountryResponse>(Buffer.from(bytes));
    if (/country|city|enterprise/i.test(metadata.databaseType)) return undefined;
    return `it tells ${metadata.databaseType}, not countries`;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
}

/** The value in capitals; nothing that could be a country where the header stands twice; undefined where it is missing. */
function readTold(headers: readonly string[], name: string): string | undefined {
  let told: string | undefined;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const candidate = headers[i] ?? '';
    if (candidate.length !== name.length || candidate.toLowerCase() !== name) continue;
    if (told !== undefined) return '';
    told = (headers[i + 1] ?? '').trim().toUpperCase();
  }
  return told;
}

function createLookUp(database: SharedArrayBuffer): (address: string) => string | undefined {
  const reader = new Reader<CountryResponse>(Buffer.from(database));
  const remembered = new Map<string, string | undefined>();
  return (address) => {
    if (remembered.has(address)) return remembered.get(address);
    const found = read(reader, toPlainAddress(address));
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    remembered.set(address, found);
    return found;
  };
}

function read(reader: Reader<CountryResponse>, address: string): string | undefined {
  const version = isIP(address);
  // The reader checks neither: it would take the first bits of an IPv6 address for an IPv4 one.
  if (version === 0 || (version === 6 && reader.metadata.ipVersion === 4)) return undefined;
  const code = reader.get(address)?.country?.iso_code;
  return code !== undefined && isCountry(code) ? code : undefined;
}
