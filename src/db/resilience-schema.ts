// What `upstream_services` and `circuit_breaker` of a gateway hold about services that fail, as it was said.

export type LoadBalancingStrategy = 'round_robin' | 'weighted' | 'least_connections' | 'ip_hash';

export interface CircuitBreaker {
  readonly failureThreshold?: number;
  readonly failureRatePercent?: number;
  readonly minimumRequests?: number;
  readonly windowSeconds?: number;
  readonly resetTimeoutSeconds?: number;
  readonly halfOpenRequests?: number;
}

export interface HealthCheck {
  readonly path?: string;
  readonly intervalSeconds?: number;
  readonly timeoutSeconds?: number;
  readonly healthyThreshold?: number;
  readonly unhealthyThreshold?: number;
  readonly errorThreshold?: number;
  readonly ejectSeconds?: number;
  readonly panicThresholdPercent?: number;
  readonly slowStartSeconds?: number;
}

interface UpstreamTimeouts {
  readonly connectMs?: number;
  readonly handshakeMs?: number;
  readonly betweenBytesMs?: number;
  readonly totalMs?: number;
}

interface Retry {
  readonly attempts?: number;
  readonly statuses?: number[];
}

export interface UpstreamTarget {
  readonly url: string;
  readonly weight?: number;
}

/** Of a service. */
export interface ServiceResilience {
  /** The time to the first byte, when it is not said in milliseconds. */
  readonly timeoutSeconds?: number;
  readonly loadBalancingStrategy?: LoadBalancingStrategy;
  readonly circuitBreaker?: CircuitBreaker;
  readonly healthCheck?: HealthCheck;
  readonly retry?: Retry;
  readonly timeouts?: UpstreamTimeouts;
}
