// The service behind every contestant: the same few bytes for every request, from nginx when it is installed, else from Node.

import { join } from 'node:path';
import { startNginx } from './nginx.ts';
import { findFreePort, waitUntilAnswers, type Stage } from './stage.ts';

export interface UpstreamPlan {
  readonly nginx: string | undefined;
  readonly core: number;
  readonly bodyBytes: number;
}

/** Its origin, without a slash at the end. */
export async function startUpstream(stage: Stage, { nginx, core, bodyBytes }: UpstreamPlan): Promise<string> {
  if (nginx === undefined) return startNodeUpstream(stage, core, bodyBytes);
  const body = 'x'.repeat(bodyBytes);
  const { url } = await startNginx(stage, {
    file: nginx,
    name: 'upstream',
    core,
    http: 'default_type text/plain;',
    server: `location / { return 200 "${body}"; }`,
  });
  return new URL(url).origin;
}

async function startNodeUpstream(stage: Stage, core: number, bodyBytes: number): Promise<string> {
  const port = await findFreePort();
  const script = join(import.meta.dirname, 'node-upstream.ts');
  const player = stage.start({ file: process.execPath, args: [script, String(port), String(bodyBytes)], core });
  const origin = `http://127.0.0.1:${port}`;
  await waitUntilAnswers(player, origin, stage.signal);
  return origin;
}
