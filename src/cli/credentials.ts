// Which Tollgate to call, and with which key: from the environment, or from a profile. Both come from one place, so that a key never goes to a server
// that it was not kept for.

import { nearest } from '../lib/nearest.ts';
import { Failure } from './failure.ts';
import { DEFAULT_PROFILE, profilePath, readProfiles, type Profile } from './profile-file.ts';
import type { World } from './world.ts';

export const DEFAULT_URL = 'http://127.0.0.1:8080';

/** `profile` is what the command line names. */
export function findCredentials(world: World, profile: string | undefined): Profile {
  const { TOLLGATE_API_KEY: apiKey = '', TOLLGATE_URL: url = '', TOLLGATE_PROFILE: named = '' } = world.env;
  if (profile === undefined && apiKey !== '') return { url: checkUrl(url === '' ? DEFAULT_URL : url), apiKey };
  const path = profilePath(world);
  const profiles = readProfiles(path);
  const name = profile ?? (named === '' ? DEFAULT_PROFILE : named);
  const found = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  if (found === undefined) throw unknownProfile(name, Object.keys(profiles), profile !== undefined || named !== '');
  if (url !== '' && checkUrl(url) !== found.url) {
    throw new Failure('usage', [
      `TOLLGATE_URL is ${url}, but the key of profile "${name}" is for ${found.url} and is sent nowhere else`,
      'Set TOLLGATE_API_KEY as well, unset TOLLGATE_URL, or make a profile for it: tollgate login --profile NAME --url URL',
    ]);
  }
  return found;
}

/** As it is kept and compared: without a slash at its end. Throws when it is no address of a Tollgate. */
export function checkUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new Failure('usage', [`"${text}" is no address of a Tollgate: write it as https://gateway.example.com`]);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw new Failure('usage', ['the address of a Tollgate has no user, password, query or fragment in it']);
  return url.href.replace(/\/+$/, '');
}

/** Whether what is sent there can be read on the way. */
export function isExposed(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

function unknownProfile(name: string, known: readonly string[], isNamed: boolean): Failure {
  if (!isNamed) {
    return new Failure('denied', [
      'there are no credentials: run `tollgate login`, or set TOLLGATE_API_KEY (and TOLLGATE_URL)',
    ]);
  }
  const guess = nearest(name, known);
  return new Failure('usage', [
    `there is no profile "${name}"${guess === undefined ? `; make it: tollgate login --profile ${name}` : `; did you mean ${guess}?`}`,
  ]);
}
