// The management API as a test calls it: JSON in, status, headers and JSON out.

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The parsed body; a text when it is not JSON. */
  readonly body: Json;
}

// Answers are asserted field by field; a wrong shape fails the assertion.
// oxlint-disable-next-line typescript/no-explicit-any -- the one place where tests look into untyped JSON
export type Json = any;

export interface Api {
  call(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
}

export function createApi(url: string, key?: string): Api {
  return {
    async call(method, path, body, headers = {}) {
      const response = await fetch(url + path, {
        method,
        headers: {
          ...(key !== undefined && { 'x-api-key': key }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, body: parse(text) };
    },
  };
}

function parse(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
