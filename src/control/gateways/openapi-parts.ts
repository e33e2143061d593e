// Parts of OpenAPI documents that several places have: servers, texts, paths. Pure.

import { toMap, toText, type Json } from './openapi-document.ts';

/** A server's URL with the defaults of its variables, when it is one of its own; its slash at the end goes. */
export function toUrl(server: Json): string | undefined {
  const variables = toMap(server['variables']);
  const text = toText(server['url'])?.replaceAll(/\{([^{}]+)\}/g, (all, name: string) => {
    return toText(toMap(variables[name])['default']) ?? all;
  });
  const url = text === undefined ? null : URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return undefined;
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '' || /[{}\s]/.test(text ?? '')) {
    return undefined;
  }
  return url.href.length > 2_000 ? undefined : url.href.replace(/\/+$/, '');
}

/** At most so many characters, never half of one; says when it had more. */
export function cut(text: string, length: number, onCut: () => void): string {
  const whole = text.toWellFormed().replaceAll('\0', '');
  if (whole.length <= length) return whole;
  onCut();
  return whole
    .slice(0, length)
    .toWellFormed()
    .replace(/\uFFFD$/, '');
}

/** `/users/{user-id}` → `/users/{user_id}`: names of parameters are words here. */
export function toPath(path: string): string {
  return path.replaceAll(/\{([^{}/]+)\}/g, (_all, name: string) => {
    const word = name.replaceAll(/\W/g, '_');
    return `{${/^\d/.test(word) ? `_${word}` : word}}`;
  });
}
