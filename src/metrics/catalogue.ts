// Every metric: its name, what kind of number it is, and what it means. docs/metrics.md tells more of each (held by metrics.test.ts).

import type { Family, Sample } from '../lib/exposition.ts';

export const METRICS = {
  tollgate_requests_total: {
    type: 'counter',
    help: 'Requests that are over, by gateway and class of status (1xx: went on as a WebSocket; a caller who left counts as 4xx).',
  },
  tollgate_request_duration_seconds: {
    type: 'histogram',
    help: 'Time from the head of a request to the end of its answer, WebSockets left out.',
  },
  tollgate_requests_rate_limited_total: {
    type: 'counter',
    help: 'Requests that were refused because a limit was used up.',
  },
  tollgate_requests_unauthenticated_total: {
    type: 'counter',
    help: 'Requests that were refused for want of a credential that counts.',
  },
  tollgate_requests_failed_total: {
    type: 'counter',
    help: 'Requests that Tollgate itself answered with a status of 500 and above, as when a service cannot be reached.',
  },
  tollgate_gateway_info: { type: 'gauge', help: 'Name and tenant of each gateway that is served; always 1.' },
  tollgate_connections: { type: 'gauge', help: 'Connections from callers that are open.' },
  tollgate_connections_limit: { type: 'gauge', help: 'How many there may be: the setting MAX_CONNECTIONS.' },
  tollgate_targets: {
    type: 'gauge',
    help: 'Targets by what the gateway threads hold of them: up for all, down for all, partial for some.',
  },
  tollgate_target_healthy_ratio: {
    type: 'gauge',
    help: 'Share of the gateway threads that hold the target for fit and its circuit not open.',
  },
  tollgate_target_circuit_threads: {
    type: 'gauge',
    help: 'Gateway threads whose circuit breaker for the target is in this state.',
  },
  tollgate_target_requests_in_flight: { type: 'gauge', help: 'Requests to the target that are under way.' },
  tollgate_limit_counters_evicted_total: {
    type: 'counter',
    help: 'Counters of limits that had to give way to others although they counted still: raise LIMIT_COUNTERS.',
  },
  tollgate_limit_fallbacks_total: { type: 'counter', help: 'Decisions about limits that were made without Redis.' },
  tollgate_records_stored_total: { type: 'counter', help: 'Records of requests that are in the request log.' },
  tollgate_records_dropped_total: {
    type: 'counter',
    help: 'Records of requests that are not: the store did not keep up (buffer_full), or refused them (store_failed).',
  },
  tollgate_key_lookups_total: {
    type: 'counter',
    help: 'Keys that a gateway thread did not remember, by what the store said of them.',
  },
  tollgate_thread_up: { type: 'gauge', help: 'Whether the thread answered the scrape.' },
  tollgate_thread_restarts_total: { type: 'counter', help: 'How often the thread died and was started anew.' },
  tollgate_thread_busy_seconds_total: {
    type: 'counter',
    help: 'Time that the thread worked, in place of waiting for something to do.',
  },
  tollgate_thread_delay_seconds: {
    type: 'gauge',
    help: 'How long the thread let the scrape wait: what anything else has to wait there, too.',
  },
  tollgate_thread_heap_used_bytes: { type: 'gauge', help: 'Memory of the objects of the thread.' },
  tollgate_build_info: { type: 'gauge', help: 'Version of Tollgate and of Node; always 1.' },
  process_cpu_seconds_total: { type: 'counter', help: 'Processor time of the process, all threads together.' },
  process_resident_memory_bytes: { type: 'gauge', help: 'Memory of the process that is in use.' },
  process_start_time_seconds: { type: 'gauge', help: 'When the process was started, in seconds since 1970.' },
  process_open_fds: { type: 'gauge', help: 'Open files and sockets of the process.' },
  process_max_fds: { type: 'gauge', help: 'How many there may be.' },
} as const satisfies Record<string, Pick<Family, 'type' | 'help'>>;

export type MetricName = keyof typeof METRICS;

export function family(name: MetricName, samples: readonly Sample[]): Family {
  return { name, ...METRICS[name], samples };
}

/** A metric that is one number. */
export function single(name: MetricName, value: number): Family {
  return family(name, [{ labels: {}, value }]);
}
