// What a service is said to make of requests and answers, as the data plane reads it. Pure.

import type { UpstreamService } from '../../db/publishing-schema.ts';
import type { ServiceConfig } from '../../gateway/snapshot.ts';

type RewritingConfig = Pick<ServiceConfig, 'pathRewrite' | 'requestFields' | 'responseFields' | 'host'>;
type FieldChanges = NonNullable<UpstreamService['requestHeaders']>;

export function toRewriting(service: Partial<UpstreamService>): RewritingConfig {
  const { pathRewrite, headers, requestHeaders, responseHeaders, host = 'target' } = service;
  const set = { ...requestHeaders?.set, ...headers };
  const request = headers === undefined ? requestHeaders : { ...requestHeaders, set };
  return {
    ...(pathRewrite !== undefined && { pathRewrite: toRules(pathRewrite) }),
    ...(request !== undefined && { requestFields: toFieldChanges(request) }),
    ...(responseHeaders !== undefined && { responseFields: toFieldChanges(responseHeaders) }),
    ...(host !== 'target' && { host }),
  };
}

/** The longest first: what is written in one order may come back from the database in another. */
function toRules(pathRewrite: Readonly<Record<string, string>>): NonNullable<ServiceConfig['pathRewrite']> {
  return Object.entries(pathRewrite)
    .map(([pattern, replacement]) => ({ pattern, replacement }))
    .toSorted((a, b) => b.pattern.length - a.pattern.length || (a.pattern < b.pattern ? -1 : 1));
}

function toFieldChanges({
  set = {},
  add = {},
  remove = [],
}: FieldChanges): NonNullable<ServiceConfig['requestFields']> {
  const drop = [...Object.keys(set), ...remove].map((name) => name.toLowerCase());
  const put = [...Object.entries(set), ...Object.entries(add)].map(([name, value]) => ({
    name: name.toLowerCase(),
    value,
  }));
  return {
    drop: [...new Set(drop)].toSorted(),
    put: put.toSorted((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name))),
  };
}
