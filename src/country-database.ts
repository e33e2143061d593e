// What tells the country of a caller, from the settings: a trusted proxy's header, a database of addresses, both or neither.

import { readFileSync } from 'node:fs';
import { SettingsError, type Settings } from './config.ts';
import { countryDatabaseFault, type CountryOptions } from './gateway/country.ts';

/** Reads the database once; all gateway threads share its bytes. Throws a SettingsError for what cannot be used. */
export function openCountries(settings: Settings): CountryOptions {
  const { COUNTRY_HEADER: header, GEOIP_DATABASE: path, TRUSTED_PROXIES: proxies } = settings;
  if (header !== undefined && proxies.length === 0)
    throw new SettingsError(['COUNTRY_HEADER: needs TRUSTED_PROXIES: the header is believed from them alone']);
  return { header: header?.toLowerCase(), database: path === undefined ? undefined : readDatabase(path) };
}

function readDatabase(path: string): SharedArrayBuffer {
  let file: Buffer;
  try {
    file = readFileSync(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SettingsError([`GEOIP_DATABASE: ${path} cannot be read (${reason})`]);
  }
  const shared = new SharedArrayBuffer(file.length);
  new Uint8Array(shared).set(file);
  const fault = countryDatabaseFault(shared);
  if (fault === undefined) return shared;
  throw new SettingsError([`GEOIP_DATABASE: ${path} is no database of countries in MMDB format (${fault})`]);
}
