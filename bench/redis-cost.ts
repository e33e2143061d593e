// What a Redis has used of the processor, asked over the connection that limits use.

import { RedisLink } from '../src/limits/redis-link.ts';

/** Rejects when the first attempt fails. */
export async function openLink(url: string): Promise<RedisLink> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const link = new RedisLink({
    url: new URL(url),
    connectTimeoutMs: 1000,
    maxPending: 10_000,
    toDelayMs: () => 1000,
    onReady: resolve,
    onFailure: reject,
  });
  await promise;
  return link;
}

/** User and system time of the server since its start, in microseconds. */
export async function readProcessorMicroseconds(link: RedisLink): Promise<number> {
  const info = String(await link.send(['INFO', 'cpu']));
  const seconds = (name: string): number => Number(new RegExp(`^used_cpu_${name}:(.+)$`, 'm').exec(info)?.[1]);
  return (seconds('user') + seconds('sys')) * 1e6;
}
