// An OpenAPI document → a gateway as declarations write it, and a list of what could not come along. Pure.

import type { GatewayDocument } from './declaration-schema.ts';
import type { CreateEndpoint } from './endpoint-schema.ts';
import type { NotCarried } from './import-schema.ts';
import { LeftBehind } from './left-behind.ts';
import { isMap, resolve, toList, toMap, toText, type Json } from './openapi-document.ts';
import { toEndpoint, type PathContext } from './openapi-operation.ts';
import { cut, toUrl } from './openapi-parts.ts';

const SERVICE = 'api';
const METHODS: ReadonlySet<string> = new Set(['get', 'head', 'post', 'put', 'patch', 'delete', 'options', 'trace']);
/** What a path item may hold beside operations. */
const PATH_FIELDS: ReadonlySet<string> = new Set(['$ref', 'summary', 'description', 'servers', 'parameters']);

export interface ImportWishes {
  readonly name?: string | undefined;
  readonly routePrefix?: string | undefined;
  readonly target?: string | undefined;
}

export interface ConvertedDocument {
  readonly gateway: GatewayDocument;
  readonly notCarried: readonly NotCarried[];
}

export function convertOpenApi(document: Json, wishes: ImportWishes): ConvertedDocument {
  const left = new LeftBehind();
  const info = toMap(document['info']);
  const target = wishes.target ?? findTarget(document, left);
  const name =
    wishes.name ?? cut(toText(info['title'])?.trim() ?? '', 255, () => left.add('long texts', CUT, 'info.title'));
  const description = toText(info['description'])?.trim() ?? '';
  const version = toText(info['version'])?.trim() ?? '';
  const gateway: GatewayDocument = {
    name: name === '' ? 'imported' : name,
    ...(description !== '' && {
      description: cut(description, 2_000, () => left.add('long texts', CUT, 'info.description')),
    }),
    ...(version !== '' && { version: cut(version, 20, () => left.add('long texts', CUT, 'info.version')) }),
    ...(wishes.routePrefix !== undefined && { routePrefix: wishes.routePrefix }),
    upstreamServices: target === undefined ? [] : [{ name: SERVICE, targets: [{ url: target }] }],
    endpoints: toEndpoints(document, left),
  };
  tellRest(document, info, left);
  return { gateway, notCarried: left.list() };
}

const CUT = 'cut to the length that there is room for';

function findTarget(document: Json, left: LeftBehind): string | undefined {
  const servers = toList(document['servers']).map(toMap);
  let target: string | undefined;
  servers.forEach((server, i) => {
    const url = toUrl(server);
    const place = `servers[${i}]`;
    if (url === undefined) {
      left.add('servers', 'not an http(s) URL of its own: say where the service listens with `target`', place);
    } else if (target === undefined) target = url;
    else left.add('servers', 'the first one became the service: add others as its targets, or as services', place);
  });
  return target;
}

function toEndpoints(document: Json, left: LeftBehind): CreateEndpoint[] {
  const endpoints: CreateEndpoint[] = [];
  const taken = { routes: new Set<string>(), operationIds: new Set<string>() };
  for (const [path, value] of Object.entries(toMap(document['paths']))) {
    if (path.startsWith('x-')) {
      left.add('extensions', 'nothing here means anything to Tollgate', path);
      continue;
    }
    const item = resolve(document, value);
    if (item === undefined) {
      left.add('paths', 'its `$ref` leads nowhere, in a circle, or out of the document', path);
      continue;
    }
    const context: PathContext = { document, path, item, taken, left };
    for (const [field, operation] of Object.entries(item)) {
      if (METHODS.has(field)) endpoints.push(...toEndpoint(field.toUpperCase(), operation, context));
      else if (!PATH_FIELDS.has(field) && field !== 'x-tollgate-path') {
        left.add('fields of paths', 'not known', `${path}: ${field.slice(0, 100)}`);
      }
    }
  }
  return endpoints;
}

const IGNORED: readonly (readonly [field: string, what: string, why: string])[] = [
  ['webhooks', 'webhooks', 'Tollgate publishes what is called, not what calls; make webhooks of its own'],
  ['externalDocs', 'external documentation', 'there is no place for it; put the link into `description`'],
  ['tags', 'descriptions of tags', 'endpoints keep the names of their tags only'],
];

function tellRest(document: Json, info: Json, left: LeftBehind): void {
  for (const [field, what, why] of IGNORED) if (document[field] !== undefined) left.add(what, why, field);
  for (const field of ['termsOfService', 'contact', 'license', 'summary']) {
    if (info[field] !== undefined)
      left.add('facts about the API', 'a gateway has name, description and version', `info.${field}`);
  }
  for (const [kind, parts] of Object.entries(toMap(document['components']))) {
    if (kind === 'pathItems' || kind === 'securitySchemes' || !isMap(parts)) continue;
    const count = Object.keys(parts).length;
    if (count > 0) left.add('components', 'schemas and examples are not used yet', `components.${kind} (${count})`);
  }
  for (const field of Object.keys(document)) {
    if (field.startsWith('x-')) left.add('extensions', 'nothing here means anything to Tollgate', field.slice(0, 100));
  }
}
