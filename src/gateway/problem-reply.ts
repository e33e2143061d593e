// Problems as local replies of the data plane.

import { toProblemBody, type Problem } from '../lib/problem.ts';
import type { Exchange, Reply } from './exchange.ts';

const encoder = new TextEncoder();

/** An `application/problem+json` reply; notes the code for the record. */
export function problemReply(exchange: Exchange, problem: Problem): Reply {
  exchange.errorCode = problem.code;
  const body = toProblemBody(problem, { instance: exchange.path, requestId: exchange.id });
  return {
    status: problem.status,
    headers: ['content-type', 'application/problem+json', 'cache-control', 'no-store', ...problem.headers],
    body: encoder.encode(JSON.stringify(body)),
  };
}
