// What tells the country of a caller, from the settings: a trusted proxy's header, a database of addresses, both or neither.

import { readFileSync, statSync } from 'node:fs';
import { SettingsError, type Settings } from './config.ts';
import { countryDatabaseFault, type CountryOptions } from './gateway/country.ts';

const POLL_MS = 10_000;

/** Reads the database once; all gateway threads share its bytes. Throws a SettingsError for what cannot be used. */
export function openCountries(settings: Settings): CountryOptions {
  const { COUNTRY_HEADER: header, GEOIP_DATABASE: path, TRUSTED_PROXIES: proxies } = settings;
  if (header !== undefined && proxies.length === 0)
    throw new SettingsError(['COUNTRY_HEADER: needs TRUSTED_PROXIES: the header is believed from them alone']);
  return { header: header?.toLowerCase(), database: path === undefined ? undefined : readDatabase(path) };
}

export interface CountryLog {
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface CountryFile {
  /** The database, when it has changed since it was looked at last and can be used; what cannot is told to the log, once. */
  reload(): SharedArrayBuffer | undefined;
}

/** A file that has been read already. */
export function openCountryFile(path: string, log: CountryLog): CountryFile {
  let signature = signatureOf(path);
  return {
    reload() {
      const now = signatureOf(path);
      if (now === signature) return undefined;
      signature = now;
      try {
        const database = readDatabase(path);
        log.info({ path }, 'the database of countries was read again');
        return database;
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        log.error({ reason }, 'the database of countries cannot be read: the known one is kept');
        return undefined;
      }
    },
  };
}

export interface CountryWatch {
  stop(): void;
}

/** Polls, as for the certificates; a whole file is read only when it has changed. */
export function watchCountries(
  { GEOIP_DATABASE: path }: Settings,
  log: CountryLog,
  onChange: (database: SharedArrayBuffer) => Promise<void>,
): CountryWatch | undefined {
  if (path === undefined) return undefined;
  const file = openCountryFile(path, log);
  const timer = setInterval(() => {
    const database = file.reload();
    if (database === undefined) return;
    onChange(database).catch((cause: unknown) =>
      log.error({ reason: String(cause) }, 'a new database of countries could not be passed on'),
    );
  }, POLL_MS).unref();
  return { stop: () => clearInterval(timer) };
}

/** Changes whenever the file does, or goes away. */
function signatureOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true });
  return stat === undefined ? '' : `${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`;
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
