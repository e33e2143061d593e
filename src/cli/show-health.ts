// `tollgate gateways health`: how the targets behind a gateway are, a line for each.

import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import type { ProgramRun } from './command.ts';
import { EXIT_CODES, Failure } from './failure.ts';
import { toPlain } from './plain-text.ts';
import { toTable } from './show.ts';
import { say } from './world.ts';

const Health = Type.Object({
  gatewayId: Type.String(),
  status: Type.String(),
  threads: Type.Integer(),
  services: Type.Array(
    Type.Object({
      name: Type.String(),
      status: Type.String(),
      targets: Type.Array(
        Type.Object({
          url: Type.String(),
          address: Type.Optional(Type.String()),
          port: Type.Optional(Type.Integer()),
          weight: Type.Number(),
          status: Type.String(),
          reasons: Type.Array(Type.String()),
          circuitBreaker: Type.Optional(Type.String()),
          inFlight: Type.Integer(),
        }),
      ),
    }),
  ),
});

const COLUMNS = ['service', 'target', 'address', 'weight', 'status', 'reasons', 'circuitBreaker', 'inFlight'];

export async function showHealth({ world, values, client }: ProgramRun): Promise<number> {
  const path = `/gateways/${encodeURIComponent(values.args['id'] ?? '')}/health`;
  const { data } = await client().call({ method: 'GET', path });
  if (!Value.Check(Health, data)) throw new Failure('unreachable', ['the answer tells of no health']);
  if (values.isJson) {
    say(world, JSON.stringify(data, null, 2));
    return EXIT_CODES.ok.code;
  }
  const { gatewayId, status, threads, services } = data;
  say(world, toPlain(`${gatewayId} is ${status} (${threads} gateway thread${threads === 1 ? '' : 's'})`));
  if (services.length > 0) for (const line of toTable(services.flatMap(toRows), COLUMNS)) say(world, line);
  return EXIT_CODES.ok.code;
}

function toRows({ name, targets }: Static<typeof Health>['services'][number]) {
  return targets.map(({ url, address, port, ...target }) => ({
    ...target,
    service: name,
    target: url,
    address: address !== undefined && port !== undefined ? `${address} port ${port}` : address,
  }));
}
