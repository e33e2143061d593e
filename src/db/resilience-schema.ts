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
  readonly maxConcurrentRequests?: number;
}

interface FieldChanges {
  readonly set?: Record<string, string>;
  readonly add?: Record<string, string>;
  readonly remove?: string[];
}

/** What a service is shown of us. Secrets are sealed (lib/sealed-text.ts). */
interface ServiceSecrets {
  readonly credentials?: {
    readonly type: 'basic' | 'bearer' | 'api_key';
    readonly username?: string;
    readonly password?: string;
    readonly token?: string;
    readonly header?: string;
    readonly key?: string;
  };
  readonly tls?: {
    readonly certificate?: string;
    readonly key?: string;
    readonly ca?: string;
    readonly serverName?: string;
  };
}

/** What a service makes of requests and answers. */
interface ServiceRewriting {
  readonly pathRewrite?: Record<string, string>;
  readonly headers?: Record<string, string>;
  readonly requestHeaders?: FieldChanges;
  readonly responseHeaders?: FieldChanges;
  readonly host?: string;
}

/** Of a service. */
export interface ServiceResilience extends ServiceRewriting, ServiceSecrets {
  /** The time to the first byte, when it is not said in milliseconds. */
  readonly timeoutSeconds?: number;
  readonly loadBalancingStrategy?: LoadBalancingStrategy;
  readonly circuitBreaker?: CircuitBreaker;
  readonly healthCheck?: HealthCheck;
  readonly retry?: Retry;
  readonly timeouts?: UpstreamTimeouts;
}
