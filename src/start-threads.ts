// Sets gateway threads to work; where they cannot listen, the setting that says where is at fault.

import type { Worker } from 'node:worker_threads';
import { toListenFault } from './claim-port.ts';
import { ListenError } from './gateway/start-error.ts';
import type { Supervisor, SupervisorOptions } from './gateway/supervision.ts';
import { startGateway } from './gateway/supervisor.ts';
import { policies } from './policies/index.ts';

export async function startThreads(
  threads: readonly Worker[],
  options: Omit<SupervisorOptions, 'policies'>,
): Promise<Supervisor> {
  try {
    return await startGateway(threads, { ...options, policies });
  } catch (cause) {
    if (!(cause instanceof ListenError)) throw cause;
    const { host, port, tls } = options.boot;
    const place = cause.port === tls?.port ? { port: tls?.port ?? 0, setting: 'TLS_PORT' } : { port, setting: 'PORT' };
    throw toListenFault({ host, ...place }, cause);
  }
}
