// Our parser beside Node's own strict one, over generated and mutated messages. Ours may refuse more, and does. It may never accept what
// the other refuses, nor read what both accept in another way: one of the two would be wrong, and an attacker could choose which.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateRequests, generateResponses } from './generate.ts';
import { NodeParser, type NodeMessage, type NodeOutcome } from './node-parser.ts';
import { chooseSeed, Random } from './random.ts';
import { type Head, type Message, type Outcome, readRequests, readResponses } from './read-messages.ts';

/** Inputs, of one to three messages each. */
const REQUEST_INPUTS = 300_000;
const RESPONSE_INPUTS = 150_000;
/** Of all inputs, those whose first message we accept, at least: a test in which everything is refused proves nothing. */
const ACCEPTED_SHARE = 0.3;

/** What the two read differently, and why ours stays. */
interface Difference {
  readonly name: string;
  /** `connection`: only about what becomes of it after a message that was read the same. */
  readonly about: 'connection' | 'message';
  explains(ours: Message<Head>, theirs: NodeMessage | undefined, raw: string): boolean;
}

const DIFFERENCES: readonly Difference[] = [
  {
    name: 'Proxy-Connection ends the connection there. It is no field of HTTP (RFC 9112 §C.2.2), so it ends nothing here',
    about: 'connection',
    explains: ({ head }, theirs) =>
      head.keepAlive &&
      theirs?.keepAlive === false &&
      head.headers.some((text) => text.toLowerCase() === 'proxy-connection'),
  },
  {
    name: 'keep-alive beside close keeps the connection of HTTP/1.0 there; close wins here (RFC 9112 §9.3)',
    about: 'connection',
    explains: ({ head }, theirs) => {
      const options = head.headers.filter((_, i) => head.headers[i - 1]?.toLowerCase() === 'connection').join();
      return (
        !head.keepAlive && theirs?.keepAlive === true && /\bclose\b/i.test(options) && /\bkeep-alive\b/i.test(options)
      );
    },
  },
  {
    name: 'Upgrade in HTTP/1.0 ends HTTP on the connection there; it is ignored here, as RFC 9110 §7.8 says',
    about: 'connection',
    explains: ({ head }, theirs) => 'isHttp10' in head && head.isHttp10 && head.keepAlive && theirs?.isUpgrade === true,
  },
  {
    name: 'an answer to HEAD that tells no length ends the connection there; it has no body, and keeps it here (RFC 9112 §6.3)',
    about: 'connection',
    explains: ({ head }, theirs) =>
      'status' in head && head.framing.kind === 'none' && head.keepAlive && theirs?.keepAlive === false,
  },
  {
    name: 'an interim answer that does not keep the connection is the last one there; the final one still comes here (RFC 9110 §15.2)',
    about: 'connection',
    explains: ({ head }, theirs) =>
      'status' in head && head.status < 200 && head.status !== 101 && theirs?.keepAlive === false,
  },
  {
    name: 'only 100 to 103 are interim there; all of 1xx has no body here (RFC 9112 §6.3)',
    about: 'message',
    explains: ({ head }) => 'status' in head && head.status > 103 && head.status < 200,
  },
  {
    name: 'a tab after chunked is no white space there; it is here (RFC 9110 §5.6.3)',
    about: 'message',
    explains: ({ head }, _, raw) => head.framing.kind === 'chunked' && /chunked *\t/i.test(raw),
  },
];
const met = new Set<Difference>();

test('RFC 9112: requests are accepted only where Node accepts them, and read the same', () => {
  const seed = chooseSeed();
  const random = new Random(seed);
  const node = new NodeParser('requests');
  let accepted = 0;
  for (let i = 0; i < REQUEST_INPUTS; i++) {
    const raw = generateRequests(random);
    const ours = readRequests([Buffer.from(raw, 'latin1')]);
    if (ours.messages.length > 0) accepted++;
    compare(ours, node.read(raw), { raw, seed });
  }
  assert.ok(accepted > REQUEST_INPUTS * ACCEPTED_SHARE, `only ${accepted} accepted`);
});

test('RFC 9112: answers are accepted only where Node accepts them, and read the same', () => {
  const seed = chooseSeed();
  const random = new Random(seed);
  const node = new NodeParser('responses');
  let accepted = 0;
  for (let i = 0; i < RESPONSE_INPUTS; i++) {
    const raw = generateResponses(random);
    const method = random.once(10) ? 'HEAD' : 'GET';
    const ours = readResponses([Buffer.from(raw, 'latin1')], method);
    if (ours.messages.length > 0) accepted++;
    compare(ours, node.read(raw, method === 'HEAD'), { raw, seed });
  }
  assert.ok(accepted > RESPONSE_INPUTS * ACCEPTED_SHARE, `only ${accepted} accepted`);
});

test('every known difference was met, or it is none any more', () => {
  assert.deepEqual(
    DIFFERENCES.filter((known) => !met.has(known)).map((known) => known.name),
    [],
  );
});

function compare<H extends Head>(ours: Outcome<H>, theirs: NodeOutcome, input: { raw: string; seed: number }): void {
  const accepted = [...ours.messages];
  // A body that is still to come, as far as it came. One that we refused half-way was not accepted.
  if (ours.partial !== undefined && ours.end.is === 'waiting') accepted.push(ours.partial);
  for (const [i, message] of accepted.entries()) {
    const other = theirs.messages[i];
    const isWhole = message !== ours.partial;
    const problem = findDifference(message, other, isWhole, theirs.refusal);
    const known = DIFFERENCES.find(
      (each) => (problem === undefined) === (each.about === 'connection') && each.explains(message, other, input.raw),
    );
    if (known !== undefined) {
      met.add(known);
      return; // From here on the two go different ways; nothing later can be compared.
    }
    const inConnection = problem ?? findConnectionDifference(message, other);
    if (inConnection === undefined) continue;
    assert.fail(
      `${inConnection} in message ${i + 1} of ${JSON.stringify(input.raw)}, TOLLGATE_WIRE_SEED=${input.seed}`,
    );
  }
}

function findDifference(
  ours: Message<Head>,
  theirs: NodeMessage | undefined,
  isWhole: boolean,
  refusal: string | undefined,
): string | undefined {
  if (theirs === undefined) return `accepted here, refused there (${refusal ?? 'not read'})`;
  if (isWhole && !theirs.isComplete) return `complete here, not there (${refusal ?? 'waiting'})`;
  if (!isWhole && theirs.isComplete) return 'complete there, not here';
  if (!isWhole && refusal !== undefined) return `waiting here, refused there (${refusal})`;
  const { head } = ours;
  if ('status' in head) {
    if (head.status !== theirs.status) return `status ${head.status} and ${theirs.status}`;
  } else {
    if (head.method !== theirs.method) return `method ${head.method} and ${theirs.method}`;
    if (ours.rawMiddle !== theirs.target) return `target ${ours.rawMiddle} and ${theirs.target}`;
  }
  if (!isSame(head.headers, theirs.headers) && !isSame(toReceivedFields(ours), theirs.headers))
    return `fields ${JSON.stringify(head.headers)} and ${JSON.stringify(theirs.headers)}`;
  if (ours.body !== theirs.body) return `body ${JSON.stringify(ours.body)} and ${JSON.stringify(theirs.body)}`;
  if (isWhole && !isSame(ours.trailers, theirs.trailers))
    return `trailers ${JSON.stringify(ours.trailers)} and ${JSON.stringify(theirs.trailers)}`;
  return undefined;
}

function findConnectionDifference({ head }: Message<Head>, theirs: NodeMessage | undefined): string | undefined {
  if (theirs === undefined || head.keepAlive === theirs.keepAlive) return undefined;
  return `keep-alive ${head.keepAlive} and ${theirs.keepAlive}`;
}

/** Without the Host that ours takes over from an absolute target when HTTP/1.0 sent none (RFC 9112 §3.2.2). */
function toReceivedFields({ head, rawMiddle }: Message<Head>): readonly string[] {
  const mayBeTakenOver = 'isHttp10' in head && head.isHttp10 && !rawMiddle.startsWith('/');
  return mayBeTakenOver && head.headers.at(-2) === 'Host' ? head.headers.slice(0, -2) : head.headers;
}

function isSame(ours: readonly string[], theirs: readonly string[]): boolean {
  return ours.length === theirs.length && ours.every((text, i) => text === theirs[i]);
}
