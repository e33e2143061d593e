// Which endpoints somebody may call: by id, or as `GET /shop/orders/{id}` or `* /shop/*`. Pure.
//
// A pattern is held against the endpoint as it is published, never against the path of a request: what the router has decided needs no
// second reading, in which an encoded character could mean something else.

/** The method, or a star for any; one space; the public path, in which a star may stand as the last segment only. */
const PATTERN = /^(?:\*|GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (?:\/[^\s/*?#]*)*(?:\/\*)?$/;
const PARAMETER = /^(?:\{[^{}]+\}|:.+)$/;

/** A published endpoint. */
export interface NamedEndpoint {
  /** Undefined for routes of the management API. */
  readonly id: string | undefined;
  /** `GET /shop/orders/{id}`: the method and the whole public path. */
  readonly route: string;
}

export function isEndpointPattern(text: string): boolean {
  return PATTERN.test(text) && text.includes(' /');
}

/** Whether one of these ids and patterns names the endpoint. Names of parameters do not matter; a closing star takes all that lies below. */
export function namesEndpoint(entries: readonly string[], endpoint: NamedEndpoint): boolean {
  const { method, segments } = parse(endpoint.route);
  return entries.some((entry) => {
    if (!entry.includes(' ')) return entry === endpoint.id;
    const wanted = parse(entry);
    return (wanted.method === '*' || wanted.method === method) && covers(wanted.segments, segments);
  });
}

function covers(wanted: readonly string[], segments: readonly string[]): boolean {
  const isOpen = wanted.at(-1) === '*';
  const plain = isOpen ? wanted.slice(0, -1) : wanted;
  const isLongEnough = isOpen ? segments.length > plain.length : segments.length === plain.length;
  return isLongEnough && plain.every((segment, i) => segment === segments[i]);
}

function parse(route: string): { method: string; segments: string[] } {
  const space = route.indexOf(' ');
  const segments = route.slice(space + 2).split('/');
  return {
    method: route.slice(0, space),
    segments: segments.map((segment) => (PARAMETER.test(segment) ? '{}' : segment)),
  };
}
