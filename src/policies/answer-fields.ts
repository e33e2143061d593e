// What an answer says already.

import type { Reply } from '../gateway/exchange.ts';

/** Whether the upstream or we ourselves say something by this name, which is given in lower case. */
export function hasField({ fields, headers, lines }: Reply, name: string): boolean {
  if (fields?.has(name) === true) return true;
  for (let i = 0; i < headers.length; i += 2) if (headers[i]?.toLowerCase() === name) return true;
  return lines !== '' && `\r\n${lines}`.includes(`\r\n${name}:`);
}
