// Fills a store that never had a gateway from a YAML file, by the same rules as the API.

import { Type, type Static } from 'typebox';
import { parse as parseYaml } from 'yaml';
import { bumpVersion, readInstallation } from '../db/installation.ts';
import { DEFAULT_TENANT_ID } from '../db/schema.ts';
import { inTenant } from '../db/tenant-transaction.ts';
import type { Fault } from '../lib/problem.ts';
import { deployGateway } from './gateways/deploy.ts';
import { createEndpoint, createGateway } from './gateways/draft.ts';
import { CreateEndpoint } from './gateways/endpoint-schema.ts';
import { endpointFaults, newGatewayFaults } from './gateways/rules.ts';
import { CreateGateway } from './gateways/schema.ts';
import { recordDeployment, recordEndpoint, recordGateway } from './gateways/trail.ts';
import { closed, optional } from './schema-parts.ts';
import type { Services } from './services.ts';
import { createValidation, faultsOf } from './validation.ts';

const Quickstart = closed({
  gateways: Type.Array(
    closed({ ...CreateGateway.properties, endpoints: optional(Type.Array(CreateEndpoint, { maxItems: 100 })) }),
    {
      maxItems: 20,
    },
  ),
});
type Quickstart = Static<typeof Quickstart>;

/**
 * Makes and deploys the gateways of the file, all or none. False when the store has, or ever had, a gateway: what was deleted on purpose
 * does not come back. `${NAME}` in a text of the file stands for `substitutions.NAME`. Throws when the file is wrong.
 */
export async function fillQuickstart(
  services: Services,
  yamlText: string,
  substitutions: Readonly<Record<string, string>>,
): Promise<boolean> {
  if ((await readInstallation(services.db)).firstGatewayAt !== undefined) return false;
  const { gateways } = parseQuickstart(substitute(parseYaml(yamlText), substitutions));
  const { clock, secretsKey } = services;
  const author = { tenantId: DEFAULT_TENANT_ID, by: 'quickstart', nowMs: clock.nowMs(), secretsKey };
  const isFilled = await inTenant(services.db, author, async (trx) => {
    // First the lock: of two nodes that start at once, the second finds what the first made.
    await bumpVersion(trx);
    const { firstGatewayAt } = await readInstallation(trx);
    if (firstGatewayAt !== undefined) return false;
    const program = { ...author, program: author.by, services };
    for (const { endpoints = [], ...body } of gateways) {
      const gateway = await createGateway(trx, author, body);
      const made = [];
      for (const endpoint of endpoints) made.push(await createEndpoint(trx, author, gateway.id, endpoint));
      const deployment = await deployGateway(trx, author, gateway, services);
      await recordGateway(trx, program, 'create', { after: gateway });
      for (const endpoint of made) await recordEndpoint(trx, program, 'create', { after: endpoint });
      await recordDeployment(trx, program, gateway, deployment);
    }
    return true;
  });
  if (isFilled) await services.publish();
  return isFilled;
}

function parseQuickstart(document: unknown): Quickstart {
  const checked = createValidation().compile('body', Quickstart)(document);
  const faults: Fault[] = [...faultsOf(checked)];
  for (const [i, gateway] of (checked.sound.gateways ?? []).entries()) {
    faults.push(...newGatewayFaults(gateway).map((fault) => below(`gateways[${i}]`, fault)));
    for (const [j, endpoint] of (gateway.endpoints ?? []).entries()) {
      faults.push(...endpointFaults(endpoint).map((fault) => below(`gateways[${i}].endpoints[${j}]`, fault)));
    }
  }
  if (checked.ok && faults.length === 0) return checked.value;
  throw new Error(
    `the quick start is wrong: ${faults.map(({ path, message }) => `${path.replace(/^body\./, '')} ${message}`).join('; ')}`,
  );
}

function below(place: string, { path, message }: Fault): Fault {
  return { path: path.replace(/^body/, place), message };
}

/** In every text of the document, `${NAME}` becomes its value. */
function substitute(value: unknown, substitutions: Readonly<Record<string, string>>): unknown {
  if (typeof value === 'string') {
    return value.replaceAll(/\$\{(\w+)\}/g, (_all, name: string) => {
      const text = substitutions[name];
      if (text === undefined) throw new Error(`the quick start is wrong: nothing is given for \${${name}}`);
      return text;
    });
  }
  if (Array.isArray(value)) return value.map((entry) => substitute(entry, substitutions));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, substitute(entry, substitutions)]));
}
