// Refuses a contestant that does not do its work: what is measured must be the real answer, not a quick refusal, and whoever is to
// authenticate and to limit must do so.

import { ask, askHttp2, type Answer } from './ask.ts';
import type { LoadCase, RequestShape } from './cases.ts';
import type { Contestant } from './contestant.ts';
import { KEYED } from './routes.ts';

/** Two windows of a minute may be met by quick calls, not three. */
const CALLS_THAT_MEET_A_LIMIT = 3;

export interface Proofs {
  /** A key that may call once a minute. */
  readonly tightKey: string;
  /** PEM: what a contestant shows over TLS. */
  readonly certificate: string;
}

export async function checkContestant(contestant: Contestant, load: LoadCase, proofs: Proofs): Promise<void> {
  const fail = (what: string, { status, body }: Answer): never => {
    throw new Error(`${load.name}: ${contestant.name} ${what}: ${status} ${body.slice(0, 300)}`);
  };
  const send = (headers: Contestant['headers']): Promise<Answer> => {
    const question = {
      url: toUrl(contestant, load.request),
      method: load.request.route.method,
      headers,
      body: 'x'.repeat(load.request.bodyBytes),
      certificate: proofs.certificate,
    };
    const answer = load.load === 'http2' ? askHttp2(question) : ask(question);
    return answer.catch((cause: unknown) => {
      throw new Error(`${load.name}: ${contestant.name} does not answer: ${String(cause)}`, { cause });
    });
  };

  const answer = await send(contestant.headers);
  if (answer.status !== 200 || answer.body !== 'x'.repeat(load.request.route.answerBytes)) fail('answers', answer);
  if (load.request.secure && answer.tlsVersion !== 'TLSv1.3') fail(`speaks ${answer.tlsVersion}`, answer);
  const isKeyed = contestant.prefix === KEYED;
  if ((answer.headers['x-ratelimit-limit'] !== undefined) !== isKeyed)
    fail(`answers ${isKeyed ? 'without' : 'with'} limit headers`, answer);
  if (!isKeyed) return;

  for (const headers of [{}, { 'X-API-Key': `${proofs.tightKey.slice(0, -1)}?` }]) {
    const refusal = await send(headers);
    if (refusal.status !== 401) fail('lets anybody in', refusal);
  }
  await checkLimit(() => send({ 'X-API-Key': proofs.tightKey }), fail);
}

async function checkLimit(call: () => Promise<Answer>, fail: (what: string, answer: Answer) => never): Promise<void> {
  for (let i = 0; i < CALLS_THAT_MEET_A_LIMIT; i++) {
    const answer = await call();
    if (answer.status === 429 && answer.headers['retry-after'] !== undefined) return;
    if (answer.status !== 200 || i === CALLS_THAT_MEET_A_LIMIT - 1) fail('does not hold a limit', answer);
  }
}

export function toUrl({ name, origin, tlsOrigin, prefix }: Contestant, { route, secure }: RequestShape): string {
  const base = secure ? tlsOrigin : origin;
  if (base === undefined) throw new Error(`${name} does not speak TLS`);
  return base + prefix + route.path;
}
