// How the requests of an endpoint are spread over several services, and which service gets copies of them, as a snapshot says it.

import { Type, type Static } from 'typebox';
import type { Fault } from '../../lib/problem.ts';

const closed = { additionalProperties: false };
const timeoutMs = Type.Integer({ minimum: 1 });

const When = Type.Object(
  {
    /** Any value when there is none. */
    header: Type.Optional(
      Type.Object(
        { name: Type.String({ pattern: "^[!#$%&'*+.^_`|~0-9a-z-]{1,100}$" }), value: Type.Optional(Type.String()) },
        closed,
      ),
    ),
    clientIds: Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: 1000 })),
  },
  { ...closed, minProperties: 1 },
);

const Way = Type.Object(
  {
    service: Type.String(),
    timeoutMs,
    /** Its part of what no `when` takes. */
    weight: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
    /** Takes all that it holds for; the first one does. */
    when: Type.Optional(When),
  },
  closed,
);

export const TrafficConfig = Type.Object(
  {
    split: Type.Optional(Type.Array(Way, { minItems: 1, maxItems: 20 })),
    mirror: Type.Optional(
      Type.Object({ service: Type.String(), timeoutMs, percent: Type.Number({ minimum: 0, maximum: 100 }) }, closed),
    ),
  },
  closed,
);

export type TrafficConfig = Static<typeof TrafficConfig>;
export type WhenConfig = Static<typeof When>;

/** What the form does not tell. Paths are below the endpoint. */
export function checkTraffic(
  { service: own, traffic = {} }: { readonly service: string; readonly traffic?: TrafficConfig },
  services: ReadonlySet<string>,
): Fault[] {
  const { split = [], mirror } = traffic;
  const faults: Fault[] = [];
  const knows = (service: string, path: string): void => {
    if (!services.has(service))
      faults.push({ path: `${path}.service`, message: `there is no service "${service}" in this gateway` });
  };
  split.forEach(({ service, weight, when }, i) => {
    const path = `traffic.split[${i}]`;
    knows(service, path);
    if ((weight === undefined) === (when === undefined))
      faults.push({ path, message: 'needs a weight, or a when, and not both' });
    if (CREDENTIALS.has(when?.header?.name ?? ''))
      faults.push({ path: `${path}.when.header.name`, message: 'holds a credential: name clients in its place' });
  });
  faults.push(...checkWeights(split));
  if (mirror === undefined) return faults;
  knows(mirror.service, 'traffic.mirror');
  if ([own, ...split.map(({ service }) => service)].includes(mirror.service))
    faults.push({
      path: 'traffic.mirror.service',
      message: `"${mirror.service}" gets the requests themselves already`,
    });
  return faults;
}

const CREDENTIALS: ReadonlySet<string> = new Set(['authorization', 'cookie', 'proxy-authorization', 'x-api-key']);

function checkWeights(split: NonNullable<TrafficConfig['split']>): Fault[] {
  const faults: Fault[] = [];
  const seen = new Set<string>();
  let total = 0;
  let isWeighed = false;
  split.forEach(({ service, weight }, i) => {
    if (weight === undefined) return;
    isWeighed = true;
    total += weight;
    if (seen.has(service))
      faults.push({ path: `traffic.split[${i}].service`, message: `"${service}" has a weight already` });
    seen.add(service);
  });
  if (isWeighed && total === 0) faults.push({ path: 'traffic.split', message: 'needs a weight above 0' });
  return faults;
}
