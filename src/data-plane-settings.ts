// The settings that the data plane is told of.

import type { Settings } from './config.ts';
import type { CacheLimits } from './gateway/credential-cache.ts';
import type { EdgeLimits } from './gateway/edge/limits.ts';
import type { PathRules } from './gateway/route-path.ts';

export function edgeLimitsOf(settings: Settings): EdgeLimits {
  return {
    headBytes: settings.MAX_HEAD_BYTES,
    targetBytes: settings.MAX_TARGET_BYTES,
    fields: settings.MAX_HEADERS,
    bodyBytes: settings.MAX_BODY_BYTES,
    headTimeoutMs: settings.HEAD_TIMEOUT_SECONDS * 1000,
    idleTimeoutMs: settings.IDLE_TIMEOUT_SECONDS * 1000,
    minBytesPerSecond: settings.MIN_BYTES_PER_SECOND,
    requestsPerConnection: settings.MAX_REQUESTS_PER_CONNECTION,
    connections: settings.MAX_CONNECTIONS,
    connectionsPerAddress: settings.MAX_CONNECTIONS_PER_ADDRESS,
  };
}

export function pathRulesOf(settings: Settings): PathRules {
  return {
    case: settings.PATH_CASE,
    trailingSlash: settings.PATH_TRAILING_SLASH,
    doubleSlashes: settings.PATH_DOUBLE_SLASHES,
    encodedSlash: settings.PATH_ENCODED_SLASH,
    dotSegments: settings.PATH_DOT_SEGMENTS,
  };
}

export function keyCacheOf(settings: Settings): CacheLimits {
  return {
    entries: settings.KEY_CACHE_ENTRIES,
    ageMs: settings.KEY_CACHE_SECONDS * 1000,
    awayMs: settings.KEY_CACHE_AWAY_SECONDS * 1000,
  };
}
