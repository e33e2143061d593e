// What holds for declared gateways beyond their schema. Pure.

import type { Fault } from '../../lib/problem.ts';
import type { GatewayDocument } from './declaration-schema.ts';
import { routeOf } from './document.ts';
import { endpointFaults, newGatewayFaults, normalizePath } from './rules.ts';

/** With paths such as `gateways[0].endpoints[2].path`. */
export function declarationFaults(gateways: readonly GatewayDocument[]): Fault[] {
  const names = new Names('gateways', 'name');
  return gateways.flatMap(({ endpoints = [], ...gateway }, i) => {
    const at = `gateways[${i}]`;
    const routes = new Names(`${at}.endpoints`, 'path');
    const operations = new Names(`${at}.endpoints`, 'operationId');
    return [
      ...newGatewayFaults(gateway).map((fault) => below(at, fault)),
      ...names.take(i, gateway.name.toLowerCase()),
      ...endpoints.flatMap((endpoint, j) => [
        ...endpointFaults(endpoint).map((fault) => below(`${at}.endpoints[${j}]`, fault)),
        ...routes.take(j, routeOf({ ...endpoint, path: normalizePath(endpoint.path) })),
        ...operations.take(j, endpoint.operationId),
      ]),
    ];
  });
}

/** Of names that may stand only once. */
class Names {
  readonly #list: string;
  readonly #field: string;
  readonly #seen = new Map<string, number>();

  constructor(list: string, field: string) {
    this.#list = list;
    this.#field = field;
  }

  take(index: number, name: string | undefined): Fault[] {
    if (name === undefined) return [];
    const first = this.#seen.get(name);
    if (first !== undefined) {
      const message = `${name} is there already, at ${this.#list}[${first}]`;
      return [{ path: `${this.#list}[${index}].${this.#field}`, message }];
    }
    this.#seen.set(name, index);
    return [];
  }
}

function below(place: string, { path, message }: Fault): Fault {
  return { path: path.replace(/^body/, place), message };
}
