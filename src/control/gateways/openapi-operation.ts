// One operation of an OpenAPI document → an endpoint. Pure.

import { FORMATS } from '../formats.ts';
import type { CreateEndpoint } from './endpoint-schema.ts';
import type { LeftBehind } from './left-behind.ts';
import { isMap, resolve, toList, toMap, toText, type Json } from './openapi-document.ts';
import { cut, toPath, toUrl } from './openapi-parts.ts';
import { endpointFaults } from './rules.ts';

export interface PathContext {
  readonly document: Json;
  readonly path: string;
  readonly item: Json;
  /** What other endpoints have already. */
  readonly taken: { readonly routes: Set<string>; readonly operationIds: Set<string> };
  readonly left: LeftBehind;
}

const CUT = 'cut to the length that there is room for';
const UNCHECKED = 'not checked by the gateway yet: they pass to the service as they are';

/** None when it has no place here; then the list says why. */
export function toEndpoint(method: string, value: unknown, context: PathContext): CreateEndpoint[] {
  const { left, item } = context;
  const place = `${method} ${context.path}`.slice(0, 200);
  const path = toPath(toText(item['x-tollgate-path']) ?? context.path);
  const operation = isMap(value) ? value : undefined;
  const fault = operation === undefined ? 'is no object' : findFault(method, path, context);
  if (operation === undefined || fault !== undefined || !isPublishable(method)) {
    left.add('operations', fault ?? 'TRACE is never published', place);
    return [];
  }
  tellRest(operation, place, context);
  return [
    {
      method,
      path,
      ...toWords(operation, place, context),
      ...toServer(operation, context, place),
      ...toSecurity(operation, place, context),
      ...toDeprecation(operation, place, context),
    },
  ];
}

function isPublishable(method: string): method is CreateEndpoint['method'] {
  return ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].includes(method);
}

/** Takes the route when nothing is wrong with it. */
function findFault(method: string, path: string, { taken }: PathContext): string | undefined {
  if (!isPublishable(method)) return undefined;
  if (path.length > 500) return 'the path has more than 500 characters';
  const [fault] = endpointFaults({ path });
  if (fault !== undefined) return `the path ${fault.message}`;
  const route = `${method} ${path.replaceAll(/\{\w+\}/g, '{}')}`;
  if (taken.routes.has(route)) return 'another path with parameters of other names leads to the same place';
  taken.routes.add(route);
  return undefined;
}

function toWords(operation: Json, place: string, { item, taken, left }: PathContext): Partial<CreateEndpoint> {
  const text = (field: string, length: number): string => {
    const given = toText(operation[field]) ?? toText(item[field]) ?? '';
    return cut(given.trim(), length, () => left.add('long texts', CUT, `${place}: ${field}`));
  };
  const summary = text('summary', 500);
  const description = text('description', 2_000);
  const operationId = toText(operation['operationId']) ?? '';
  const isFree = operationId !== '' && operationId.length <= 255 && !taken.operationIds.has(operationId);
  if (isFree) taken.operationIds.add(operationId);
  else if (operationId !== '') left.add('operationId', 'longer than 255 characters, or there already', place);
  const tags = [...new Set(toList(operation['tags']).flatMap((tag) => toText(tag) ?? []))];
  const kept = tags.filter((tag) => tag !== '' && tag.length <= 100).slice(0, 50);
  if (kept.length < tags.length) left.add('tags', 'at most 50, of 1 to 100 characters', place);
  return {
    ...(isFree && { operationId }),
    ...(summary !== '' && { summary }),
    ...(description !== '' && { description }),
    ...(kept.length > 0 && { tags: kept }),
  };
}

/** Of the operation, or of its path: another service than that of the whole document. */
function toServer(operation: Json, { item, left }: PathContext, place: string): Partial<CreateEndpoint> {
  const [first, ...others] = toList(operation['servers'] ?? item['servers']).map(toMap);
  if (first === undefined) return {};
  if (others.length > 0) left.add('servers', 'the first one became upstreamUrl', place);
  const upstreamUrl = toUrl(first);
  if (upstreamUrl !== undefined) return { upstreamUrl };
  left.add('servers', 'not an http(s) URL of its own: say it as upstreamUrl', place);
  return {};
}

/** Callers authenticate with keys of Tollgate, whatever the document asks for; its scopes are asked of them. */
function toSecurity(operation: Json, place: string, context: PathContext): Partial<CreateEndpoint> {
  const { document, left } = context;
  const stated = operation['security'] ?? document['security'];
  // Nothing is said: it is the gateway's to say, and closed unless it says otherwise.
  if (!Array.isArray(stated)) return {};
  const alternatives = stated.map(toMap);
  const isOpen = alternatives.length === 0 || alternatives.some((one) => Object.keys(one).length === 0);
  if (isOpen) {
    if (alternatives.length > 1)
      left.add('optional authentication', 'open to everybody here; keys are not asked for', place);
    return { authRequired: false };
  }
  const [first = {}, ...others] = alternatives;
  if (others.length > 0) left.add('other ways to authenticate', 'the first one is asked for', place);
  const scopes: string[] = [];
  for (const [name, wanted] of Object.entries(first)) {
    const scheme = resolve(document, toMap(toMap(document['components'])['securitySchemes'])[name]);
    if (!isKeyLike(scheme))
      left.add('security schemes', 'callers use a key of Tollgate in its place', name.slice(0, 100));
    for (const scope of toList(wanted)) {
      if (typeof scope === 'string' && FORMATS['scope']?.check(scope) === true) scopes.push(scope);
      else left.add('scopes', 'not of the form resource:action', `${place}: ${String(scope).slice(0, 100)}`);
    }
  }
  const required = [...new Set(scopes)];
  if (required.length > 50) left.add('scopes', 'more than 50', place);
  return { authRequired: true, ...(required.length > 0 && { requiredScopes: required.slice(0, 50) }) };
}

/** What a key, or a token in its place, can stand for. */
function isKeyLike(scheme: Json | undefined): boolean {
  switch (scheme?.['type']) {
    case 'oauth2':
    case 'openIdConnect':
      return true;
    case 'apiKey':
      return scheme['in'] === 'header';
    case 'http':
      return toText(scheme['scheme'])?.toLowerCase() === 'bearer';
    default:
      return false;
  }
}

function toDeprecation(operation: Json, place: string, { left }: PathContext): Partial<CreateEndpoint> {
  const sunset = toText(operation['x-sunset']);
  const isDate = sunset !== undefined && FORMATS['date-time']?.check(sunset) === true;
  if (operation['x-sunset'] !== undefined && !isDate) left.add('x-sunset', 'not a date such as 2030-01-31', place);
  return { ...(operation['deprecated'] === true && { deprecated: true }), ...(isDate && { sunsetDate: sunset }) };
}

function tellRest(operation: Json, place: string, { document, item, left }: PathContext): void {
  const parameters = [...toList(item['parameters']), ...toList(operation['parameters'])];
  if (parameters.length > 0) left.add('parameters', UNCHECKED, place);
  for (const parameter of parameters) {
    if (resolve(document, parameter) === undefined)
      left.add('references', 'lead nowhere, in a circle, or out of the document', place);
  }
  if (operation['requestBody'] !== undefined) left.add('request bodies', UNCHECKED, place);
  if (
    Object.values(toMap(operation['responses'])).some(
      (response) => resolve(document, response)?.['content'] !== undefined,
    )
  ) {
    left.add('response bodies', UNCHECKED, place);
  }
  if (operation['callbacks'] !== undefined) left.add('callbacks', 'not published', place);
  if (operation['externalDocs'] !== undefined)
    left.add('external documentation', 'put the link into `description`', place);
  for (const field of Object.keys(operation)) {
    if (field.startsWith('x-') && field !== 'x-sunset') {
      left.add('extensions', 'nothing here means anything to Tollgate', `${place}: ${field.slice(0, 100)}`);
    }
  }
}
