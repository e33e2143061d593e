// What a page of another origin may make of an answer, as `cors` of the gateway says. Pure.

import { Type } from 'typebox';
import { Value } from 'typebox/value';
import type { GatewayConfig } from '../../gateway/snapshot.ts';
import { createOriginJudge } from '../../lib/origins.ts';

const Allowed = Type.Object({ allowOrigins: Type.Array(Type.String()), allowMethods: Type.Array(Type.String()) });

/** No preflight has to allow them: https://fetch.spec.whatwg.org/#cors-safelisted-method. */
const SAFELISTED = ['GET', 'HEAD', 'POST'];

/** A sentence with a blank before it; empty where no page asks, or nothing is said of pages. */
export function explainOrigin({ policies = [] }: GatewayConfig, headers: readonly string[]): string {
  const config = policies.find(({ name }) => name === 'cors')?.config;
  const origin = valueOf(headers, 'origin');
  if (origin === undefined || !Value.Check(Allowed, config)) return '';
  if (createOriginJudge(config.allowOrigins)(origin) === 'refused')
    return ` Browsers keep the answer from pages of ${origin}: it is not among the origins of \`cors\`.`;
  const asked = valueOf(headers, 'access-control-request-method');
  const methods = new Set([...SAFELISTED, ...config.allowMethods]);
  return asked === undefined || methods.has('*') || methods.has(asked)
    ? ` Pages of ${origin} may read the answer.`
    : ` Browsers keep pages of ${origin} from calling: ${asked} is not among the methods of \`cors\`.`;
}

function valueOf(headers: readonly string[], name: string): string | undefined {
  const at = headers.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === name);
  return at < 0 ? undefined : headers[at + 1];
}
