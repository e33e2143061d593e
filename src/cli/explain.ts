// `tollgate explain GET /path`: what would become of a request.

import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import { textOf, wordsOf, type ProgramRun, type SingleCommand } from './command.ts';
import { EXIT_CODES, Failure } from './failure.ts';
import { toPlain } from './plain-text.ts';
import { say } from './world.ts';

export const explain: SingleCommand = {
  topic: 'publishing',
  name: 'explain',
  summary: 'Tell what would become of a request: every policy in order, and where it goes.',
  description: 'By what is live. Nothing is sent to the service.',
  args: [
    { name: 'method', meaning: 'such as GET' },
    { name: 'path', meaning: 'the public path, as a caller sends it' },
  ],
  options: [
    { name: 'host', type: 'word', meaning: 'The host that is called; only gateways for all hosts unless told.' },
    {
      name: 'header',
      letter: 'H',
      type: 'words',
      meaning: 'Such as `X-API-Version: 2`; any number of times.',
    },
  ],
  does: { kind: 'program', calls: ['GET /gateways/explain'], run: explainRequest },
  examples: [
    { line: 'explain GET /demo/echo', about: 'who takes it, and what stands in its way' },
    { line: "explain GET /shop/orders -H 'X-API-Version: 2'", about: 'of a version' },
  ],
};

const Explanation = Type.Object({
  outcome: Type.String(),
  status: Type.Optional(Type.Integer()),
  detail: Type.String(),
  gateway: Type.Optional(Type.Object({ id: Type.Optional(Type.String()), name: Type.String() })),
  endpoint: Type.Optional(
    Type.Object({ id: Type.Optional(Type.String()), method: Type.String(), path: Type.String() }),
  ),
  policies: Type.Array(Type.Object({ stage: Type.String(), name: Type.String(), config: Type.Unknown() })),
  service: Type.Optional(
    Type.Object({
      name: Type.String(),
      targets: Type.Array(Type.String()),
      timeoutMs: Type.Integer(),
      weights: Type.Optional(Type.Array(Type.Integer())),
      loadBalancingStrategy: Type.Optional(Type.String()),
      path: Type.Optional(Type.String()),
      retries: Type.Optional(Type.Integer()),
      circuitBreaker: Type.Optional(Type.Unknown()),
    }),
  ),
  traffic: Type.Optional(
    Type.Object({
      split: Type.Optional(
        Type.Array(
          Type.Object({
            service: Type.String(),
            weight: Type.Optional(Type.Integer()),
            when: Type.Optional(Type.Unknown()),
          }),
        ),
      ),
      mirror: Type.Optional(Type.Object({ service: Type.String(), percent: Type.Number() })),
    }),
  ),
});

async function explainRequest({ world, values, client }: ProgramRun): Promise<number> {
  const { method = '', path = '' } = values.args;
  const host = textOf(values, 'host');
  const query = { method, path, ...(host !== undefined && { host }), header: wordsOf(values, 'header') };
  const { data } = await client().call({ method: 'GET', path: '/gateways/explain', query });
  if (!Value.Check(Explanation, data)) throw new Failure('unreachable', ['the answer explains nothing']);
  if (values.isJson) say(world, JSON.stringify(data, null, 2));
  else for (const line of toLines(data)) say(world, toPlain(line));
  return EXIT_CODES.ok.code;
}

function toLines({
  outcome,
  status,
  detail,
  gateway,
  endpoint,
  policies,
  service,
  traffic,
}: Static<typeof Explanation>): string[] {
  const rows: [string, string][] = [['outcome', status === undefined ? outcome : `${outcome} (${status})`]];
  if (gateway !== undefined) rows.push(['gateway', withId(gateway.name, gateway.id)]);
  if (endpoint !== undefined) rows.push(['endpoint', withId(`${endpoint.method} ${endpoint.path}`, endpoint.id)]);
  for (const { stage, name, config } of policies) {
    const told = JSON.stringify(config);
    rows.push([stage, told === '{}' ? name : `${name} ${told}`]);
  }
  if (service !== undefined) rows.push(...toServiceRows(service));
  if (traffic !== undefined) rows.push(...toTrafficRows(traffic));
  const width = Math.max(...rows.map(([name]) => name.length));
  return [detail, ...rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`)];
}

function toServiceRows(service: NonNullable<Static<typeof Explanation>['service']>): [string, string][] {
  const { name, timeoutMs, path, loadBalancingStrategy, retries, circuitBreaker, targets, weights = [] } = service;
  const rows: [string, string][] = [['service', `${name}, waits ${timeoutMs} ms`]];
  if (path !== undefined) rows.push(['path', path]);
  if (loadBalancingStrategy !== undefined) rows.push(['strategy', loadBalancingStrategy]);
  if (retries !== undefined) rows.push(['retries', String(retries)]);
  if (circuitBreaker !== undefined) rows.push(['breaker', JSON.stringify(circuitBreaker)]);
  targets.forEach((target, i) => {
    const { [i]: weight = 1 } = weights;
    rows.push(['target', weight === 1 ? target : `${target} (weight ${weight})`]);
  });
  return rows;
}

function toTrafficRows({ split = [], mirror }: NonNullable<Static<typeof Explanation>['traffic']>): [string, string][] {
  const total = split.reduce((sum, { weight = 0 }) => sum + weight, 0);
  const rows = split.map(({ service, weight = 0, when }): [string, string] => {
    const part = total === 0 ? 0 : Math.round((weight * 1_000) / total) / 10;
    return ['split', when === undefined ? `${part} % to ${service}` : `${service} when ${JSON.stringify(when)}`];
  });
  return mirror === undefined ? rows : [...rows, ['mirror', `${mirror.percent} % to ${mirror.service}`]];
}

function withId(name: string, id: string | undefined): string {
  return id === undefined ? name : `${name} (${id})`;
}
