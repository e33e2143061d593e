// One question to the Tollgate that keeps the keys, and whatever comes back in its place: answers of others, none, too much of one.

import type { VerifiedKey } from '../control/keys/verify-schema.ts';
import { parseVerification } from './answer.ts';

const MAX_ANSWER_BYTES = 262_144;
/** Longer is waited for nobody. */
const MAX_RETRY_AFTER_SECONDS = 60;

export interface ControlPlane {
  /** Without a slash at its end. */
  readonly url: string;
  /** The key of whoever asks, as it is now. */
  readonly apiKey: () => string;
}

export type Answer =
  | { readonly state: 'known'; readonly key: VerifiedKey }
  | { readonly state: 'unknown' }
  | { readonly state: 'failed'; readonly failure: Failure };

export interface Failure {
  /**
   * Away: nobody answers, or only that they cannot. Busy: we ask too often. Denied: our own key is refused. Stranger: whoever answers is no
   * Tollgate that we understand. Untrusted: nothing proves that it is who we mean.
   */
  readonly kind: 'away' | 'busy' | 'denied' | 'stranger' | 'untrusted';
  /** In words, for a log; never with a key in it. */
  readonly reason: string;
  readonly retryAfterMs?: number;
}

/** Asks what the key permits. Never rejects. */
export async function ask(controlPlane: ControlPlane, text: string, timeoutMs: number): Promise<Answer> {
  const first = await askOnce(controlPlane, text, timeoutMs);
  if (first !== 'broken') return first;
  // A connection that was kept open may be closed by the other side just then, and to ask twice does no harm.
  const second = await askOnce(controlPlane, text, timeoutMs);
  return second === 'broken' ? failed('away', 'it breaks the connection') : second;
}

async function askOnce({ url, apiKey }: ControlPlane, text: string, timeoutMs: number): Promise<Answer | 'broken'> {
  try {
    const response = await fetch(`${url}/api/v1/keys/verify`, {
      method: 'POST',
      headers: {
        'x-api-key': apiKey(),
        'content-type': 'application/json',
        accept: 'application/json',
        'accept-encoding': 'identity',
      },
      body: JSON.stringify({ key: text }),
      // The keys are for this address and for no other.
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    return toAnswer(response.status, response.headers, await readBody(response));
  } catch (cause) {
    return toFailed(cause, timeoutMs);
  }
}

function toAnswer(status: number, headers: Headers, body: string | undefined): Answer {
  if (body === undefined) return failed('stranger', `its answer is longer than ${MAX_ANSWER_BYTES} bytes`);
  if (status === 200)
    return parseVerification(body) ?? failed('stranger', 'its answer is none that is understood here');
  if (status === 401) return failed('denied', 'it does not know this key (401)');
  if (status === 403) return failed('denied', 'it refuses this key (403)');
  if (status === 429) {
    const seconds = Math.min(Number(headers.get('retry-after')) || 1, MAX_RETRY_AFTER_SECONDS);
    return failed('busy', 'this key may not ask it so often (429)', Math.max(1, seconds) * 1000);
  }
  if (status >= 500) return failed('away', `it answers ${status}`);
  if (status >= 300 && status < 400) return failed('stranger', `it sends on to another address (${status})`);
  return failed('stranger', `it answers ${status}, as no Tollgate does that keeps keys`);
}

/** Undefined when it is too long. */
async function readBody(response: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  const body: AsyncIterable<Uint8Array> | undefined = response.body ?? undefined;
  if (body === undefined) return '';
  for await (const chunk of body) {
    sizeBytes += chunk.length;
    if (sizeBytes > MAX_ANSWER_BYTES) return undefined; // Leaving the loop cancels the rest.
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function toFailed(error: unknown, timeoutMs: number): Answer | 'broken' {
  if (error instanceof Error && error.name === 'TimeoutError')
    return failed('away', `it does not answer within ${timeoutMs} ms`);
  // `fetch` hides what it was in its cause.
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (code === 'ECONNRESET' || code === 'UND_ERR_SOCKET' || code === 'EPIPE') return 'broken';
  if (/CERT|SELF_SIGNED|ISSUER|UNABLE_TO|HOSTNAME_MISMATCH/.test(code))
    return failed('untrusted', `its certificate is not trusted (${code})`);
  return failed('away', `it cannot be reached (${code === '' ? 'no reason is told' : code})`);
}

function failed(kind: Failure['kind'], reason: string, retryAfterMs?: number): Answer {
  return { state: 'failed', failure: { kind, reason, ...(retryAfterMs !== undefined && { retryAfterMs }) } };
}
