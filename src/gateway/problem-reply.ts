// Problems as local replies of the data plane.

import { toProblemBody, type Problem } from '../lib/problem.ts';
import { localReply, type Exchange, type Reply } from './exchange.ts';

const encoder = new TextEncoder();

/** An `application/problem+json` reply; notes the code for the record. */
export function problemReply(exchange: Exchange, problem: Problem): Reply {
  exchange.errorCode = problem.code;
  const body = toProblemBody(problem, { instance: exchange.path, requestId: exchange.id });
  const headers = ['content-type', 'application/problem+json', 'cache-control', 'no-store', ...problem.headers];
  return localReply(problem.status, headers, encoder.encode(JSON.stringify(body)));
}
