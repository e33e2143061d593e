// The service behind every contestant: the same bytes for every request, from nginx when it is installed, else from Node.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startNginx } from './nginx.ts';
import { KEYED, MAX_TAKEN_BYTES, OPEN, ROUTES, type Route } from './routes.ts';
import { findFreePort, waitUntilAnswers, type Stage } from './stage.ts';

export interface UpstreamPlan {
  readonly nginx: string | undefined;
  readonly core: number;
}

export interface Upstream {
  /** Without a slash at the end. */
  readonly origin: string;
  /** Of the one process that answers. */
  readonly pid: number;
}

const NAME = 'upstream';
/** A text in nginx's configuration is at most 4 KiB long; longer answers are files. */
const MAX_LITERAL_BYTES = 2000;

export async function startUpstream(stage: Stage, { nginx, core }: UpstreamPlan): Promise<Upstream> {
  if (nginx === undefined) return startNodeUpstream(stage, core);
  const folder = join(stage.folder, NAME);
  await mkdir(folder);
  for (const { path, answerBytes } of ROUTES) {
    if (answerBytes > MAX_LITERAL_BYTES) await writeFile(join(folder, path), 'x'.repeat(answerBytes));
  }
  return startNginx(stage, {
    file: nginx,
    name: NAME,
    core,
    // What "took" serves is asked for when a body is there whole; see below.
    http: `
  sendfile on;
  tcp_nopush on;
  open_file_cache max=16 inactive=1h;
  open_file_cache_valid 1h;
  upstream took { server unix:${folder}/took.sock; keepalive 1024; keepalive_requests 1000000000; }
  server { listen unix:${folder}/took.sock; location / { return 200 "${'x'.repeat(100)}"; } }`,
    server: [OPEN, KEYED].flatMap((prefix) => ROUTES.map((route) => toLocation(prefix, route, folder))).join('\n    '),
  });
}

/** nginx answers a POST before it has read the body, unless it passes it on: then it reads all of it first, into memory. */
function toLocation(prefix: string, { method, path, answerBytes, varies }: Route, folder: string): string {
  if (method === 'POST') {
    return `location = ${prefix}${path} {
      client_max_body_size ${MAX_TAKEN_BYTES};
      client_body_buffer_size ${MAX_TAKEN_BYTES};
      proxy_pass http://took;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }`;
  }
  return answerBytes > MAX_LITERAL_BYTES
    ? `location = ${prefix}${path} { alias ${folder}${path}; }`
    : `location = ${prefix}${path} { ${varies === true ? 'add_header X-Answer $request_id; ' : ''}return 200 "${'x'.repeat(answerBytes)}"; }`;
}

async function startNodeUpstream(stage: Stage, core: number): Promise<Upstream> {
  const port = await findFreePort();
  const script = join(import.meta.dirname, 'node-upstream.ts');
  const player = stage.start({ file: process.execPath, args: [script, String(port)], core });
  const origin = `http://127.0.0.1:${port}`;
  await waitUntilAnswers(player, `${origin}/ready`, stage.signal);
  return { origin, pid: player.pid };
}
