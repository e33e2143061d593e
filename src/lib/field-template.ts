// Header fields that a configuration writes: which names it may use, and values with names in braces that stand for what a request tells.

export const TEMPLATE_NAMES = [
  'requestId',
  'tenantId',
  'gatewayId',
  'endpointId',
  'clientId',
  'keyId',
  'clientAddress',
  'method',
  'path',
  'host',
  'scheme',
] as const;

export type TemplateName = (typeof TEMPLATE_NAMES)[number];

/** Text, or what a name stands for. */
export type TemplatePart = { readonly text: string } | { readonly name: TemplateName };

const PIECE = /\{\{|\}\}|\{([A-Za-z]+)\}|[{}]/g;

/** Its parts, or what is wrong with it. `{{` and `}}` are braces. */
export function parseTemplate(template: string): TemplatePart[] | string {
  const parts: TemplatePart[] = [];
  let from = 0;
  for (const match of template.matchAll(PIECE)) {
    const [piece, name] = match;
    if (match.index > from) parts.push({ text: template.slice(from, match.index) });
    from = match.index + piece.length;
    if (piece === '{{' || piece === '}}') parts.push({ text: piece.charAt(0) });
    else if (isTemplateName(name)) parts.push({ name });
    else return `has ${piece}: name one of ${TEMPLATE_NAMES.join(', ')}, and write {{ and }} for braces`;
  }
  if (from < template.length) parts.push({ text: template.slice(from) });
  return parts;
}

function isTemplateName(name: string | undefined): name is TemplateName {
  return TEMPLATE_NAMES.some((known) => known === name);
}

/** How messages are framed and passed on, and what we vouch for ourselves. */
const RESERVED =
  /^(?:host|content-length|transfer-encoding|connection|keep-alive|te|trailer|upgrade|expect|proxy(?:-.*)?|via|forwarded|x-forwarded-.*|x-real-ip|x-request-id|traceparent|tracestate|sec-websocket-.*|tollgate-.*|date|age)$/;

/** Whether a configuration must not touch the field. */
export function isReservedField(name: string): boolean {
  return RESERVED.test(toFieldKey(name));
}

/** What is one and the same field to whoever reads it: CGI and its heirs take `_` for `-`. */
export function toFieldKey(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}
