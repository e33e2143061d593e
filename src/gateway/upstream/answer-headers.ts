// The headers that a caller gets: the upstream's own, in order, less what ends here and what is ours to say, plus our name in `Via`.

import type { HeaderList } from '../exchange.ts';
import { isSameToken } from '../wire/octets.ts';
import { isHopByHop, namesNoField, withoutNamed } from './hop-headers.ts';

/** `pseudonym` is our name in `Via`. The request's id and trace are added where all answers get them (run.ts). */
export function toCallerHeaders(upstream: HeaderList, pseudonym: string): HeaderList {
  let headers: HeaderList = [];
  let options = '';
  for (let i = 0; i + 1 < upstream.length; i += 2) {
    const name = upstream[i] ?? '';
    const value = upstream[i + 1] ?? '';
    if (isHopByHop(name)) {
      if (name.length === 10 && isSameToken(name, 'connection') && !namesNoField(value)) options += `${value},`;
    } else if (!isOurs(name)) headers.push(name, value);
  }
  if (options !== '') headers = withoutNamed(headers, options);
  headers.push('via', `1.1 ${pseudonym}`);
  return headers;
}

function isOurs(name: string): boolean {
  if (name.length === 11) return isSameToken(name, 'traceparent');
  return name.length === 12 && isSameToken(name, 'x-request-id');
}
