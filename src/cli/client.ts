// The management API, as commands call it: JSON in, the answer's data out, every refusal a Failure.

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import { Failure, type Ending } from './failure.ts';
import type { Profile } from './profile-file.ts';
import { toPlain } from './plain-text.ts';

/** For the head of an answer, and for the whole of one that is not streamed. */
const TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 16 * 1_048_576;
/** A call whose connection broke is made once more: a GET, PUT or DELETE does no harm twice, and a POST carries an Idempotency-Key. */
const RETRY_AFTER_MS = 250;

export interface Request {
  readonly method: string;
  /** Below `/api/v1`, with its parameters filled in. */
  readonly path: string;
  readonly query?: Query;
  readonly body?: Readonly<Record<string, unknown>>;
}

/** A list is sent as one parameter for each. */
export type Query = Readonly<Record<string, string | readonly string[]>>;

export interface Answer {
  readonly data: unknown;
  readonly nextCursor: string | undefined;
  readonly total: number | undefined;
}

export interface Client {
  call(request: Request): Promise<Answer>;
  /** The answer as it comes, for what may be of any size. */
  stream(request: Request): Promise<AsyncIterable<Uint8Array>>;
}

export function createClient({ url, apiKey }: Profile): Client {
  const send = async (request: Request, signal: AbortSignal): Promise<Response> => {
    const headers = {
      'x-api-key': apiKey,
      accept: '*/*',
      ...(request.method === 'POST' && { 'idempotency-key': randomUUID() }),
      ...(request.body !== undefined && { 'content-type': 'application/json' }),
    };
    const init = {
      method: request.method,
      headers,
      // The key is for this address and for no other.
      redirect: 'manual' as const,
      signal,
      ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
    };
    const target = `${url}/api/v1${request.path}${toQuery(request.query ?? {})}`;
    const response = await fetch(target, init).catch(async (cause: unknown) => {
      if (signal.aborted) throw cause;
      await sleep(RETRY_AFTER_MS);
      return fetch(target, init);
    });
    if (response.status >= 300 && response.status < 400)
      throw new Failure('unreachable', [`${url} sends on to another address; log in with that one: tollgate login`]);
    return response;
  };
  return {
    async call(request) {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const response = await reaching(url, () => send(request, signal));
      const text = await reaching(url, () => readText(response));
      return toAnswer(response.status, text, url);
    },
    async stream(request) {
      const timer = new AbortController();
      const late = setTimeout(() => timer.abort(), TIMEOUT_MS);
      const response = await reaching(url, () => send(request, timer.signal)).finally(() => clearTimeout(late));
      if (!response.ok || response.body === null)
        throw toFailure(response.status, parse(await reaching(url, () => readText(response))), url);
      return whole(response.body, url);
    },
  };
}

async function* whole(body: AsyncIterable<Uint8Array>, url: string): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (cause) {
    throw new Failure('unreachable', [`${url} broke its answer off (${reasonOf(cause)}): what came is not complete`]);
  }
}

const ListAnswer = Type.Object({
  data: Type.Unknown(),
  meta: Type.Optional(
    Type.Object({
      total: Type.Optional(Type.Number()),
      nextCursor: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    }),
  ),
});

function toAnswer(status: number, text: string, url: string): Answer {
  const json = parse(text);
  if (status >= 400) throw toFailure(status, json, url);
  if (!Value.Check(ListAnswer, json)) {
    throw new Failure('unreachable', [`${url} does not answer like a Tollgate; is the address right?`]);
  }
  return { data: json.data, nextCursor: json.meta?.nextCursor ?? undefined, total: json.meta?.total };
}

const ProblemDetails = Type.Object({
  title: Type.String(),
  detail: Type.String(),
  code: Type.String(),
  requestId: Type.String(),
  errors: Type.Optional(Type.Array(Type.Object({ path: Type.String(), message: Type.String() }))),
});

function toFailure(status: number, json: unknown, url: string): Failure {
  if (!Value.Check(ProblemDetails, json))
    return new Failure('unreachable', [`${url} answered ${status}, and not like a Tollgate; is the address right?`]);
  return new Failure(toEnding(status), toProblems(json), json);
}

function toProblems(problem: Static<typeof ProblemDetails>): [string, ...string[]] {
  const { title, detail, code, requestId, errors = [] } = problem;
  const faults = errors.map(({ path, message }) => toPlain(`  ${path} ${message}`));
  return [toPlain(`${title}: ${detail}`), ...faults, toPlain(`  (${code}, call ${requestId})`)];
}

function toEnding(status: number): Ending {
  if (status === 401 || status === 403) return 'denied';
  if (status === 404) return 'absent';
  return status >= 500 ? 'unreachable' : 'refused';
}

async function reaching<Result>(url: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure('unreachable', [`${url} cannot be reached (${reasonOf(cause)}); is Tollgate running there?`]);
  }
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  const body: AsyncIterable<Uint8Array> | undefined = response.body ?? undefined;
  if (body === undefined) return '';
  for await (const chunk of body) {
    sizeBytes += chunk.length;
    if (sizeBytes > MAX_ANSWER_BYTES) throw new Error('its answer is longer than any of a Tollgate');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function toQuery(query: Query): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    (typeof value === 'string' ? [value] : value).map((one): [string, string] => [name, one]),
  );
  const text = new URLSearchParams(pairs).toString();
  return text === '' ? '' : `?${text}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A word or two; fetch hides what it was in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason';
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'no answer in time';
  const { cause } = error;
  if (cause instanceof Error) return 'code' in cause ? String(cause.code) : toPlain(cause.message);
  return toPlain(error.message);
}
