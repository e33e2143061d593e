// The requests that are over, by gateway. All of it comes from one reading, so that what belongs together adds up.

import { DURATION_STEPS_SECONDS, type ClassCounts, type GatewayCounts } from '../gateway/request-count-cells.ts';
import type { Family, Sample } from '../lib/exposition.ts';
import { family } from './catalogue.ts';

/** Each step counts what was as fast or faster; the last everything. */
const ENDS = [...DURATION_STEPS_SECONDS.map(String), '+Inf'];

export function requestFamilies(requestCounts: readonly GatewayCounts[]): Family[] {
  const by = (pick: (one: GatewayCounts) => number): Sample[] =>
    requestCounts.map((one) => ({ labels: { gateway: one.gateway }, value: pick(one) }));
  return [
    family(
      'tollgate_requests_total',
      requestCounts.flatMap(({ gateway, classes }) =>
        classes.map((one) => ({ labels: { gateway, status: one.status }, value: countOf(one) })),
      ),
    ),
    family('tollgate_request_duration_seconds', requestCounts.flatMap(toHistogram)),
    family(
      'tollgate_requests_rate_limited_total',
      by(({ rateLimited }) => rateLimited),
    ),
    family(
      'tollgate_requests_unauthenticated_total',
      by(({ unauthenticated }) => unauthenticated),
    ),
    family(
      'tollgate_requests_failed_total',
      by(({ failed }) => failed),
    ),
  ];
}

/** A WebSocket lasts as long as people talk: that is no time of an answer. */
function toHistogram({ gateway, classes }: GatewayCounts): Sample[] {
  const answered = classes.filter(({ status }) => status !== '1xx');
  let count = 0;
  const samples: Sample[] = ENDS.map((le, step) => {
    for (const { steps } of answered) count += steps[step] ?? 0;
    return { suffix: '_bucket', labels: { gateway, le }, value: count };
  });
  const seconds = answered.reduce((sum, one) => sum + one.seconds, 0);
  samples.push({ suffix: '_sum', labels: { gateway }, value: seconds });
  samples.push({ suffix: '_count', labels: { gateway }, value: count });
  return samples;
}

function countOf({ steps }: ClassCounts): number {
  return steps.reduce((sum, count) => sum + count, 0);
}
