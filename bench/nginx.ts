// nginx as we need it: one worker, in the foreground, with everything that it writes in the temporary folder.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePort, waitUntilAnswers, type Stage } from './stage.ts';

export interface NginxPlan {
  /** The program. */
  readonly file: string;
  readonly name: string;
  readonly core: number;
  /** Inside `http { … }`, with `listen` already said for the one server. */
  readonly http: string;
  /** Inside `server { … }`. */
  readonly server: string;
}

export interface RunningNginx {
  readonly url: string;
  /** Of the worker; the process above it does nothing. */
  readonly pid: number;
}

export async function startNginx(stage: Stage, plan: NginxPlan): Promise<RunningNginx> {
  const folder = join(stage.folder, plan.name);
  await mkdir(folder);
  const port = await findFreePort();
  await writeFile(join(folder, 'nginx.conf'), toConfiguration(port, plan));
  const master = stage.start({
    file: plan.file,
    args: ['-p', folder, '-e', 'error.log', '-c', 'nginx.conf'],
    core: plan.core,
  });
  const url = `http://127.0.0.1:${port}/`;
  await waitUntilAnswers(master, url, stage.signal);
  return { url, pid: await findChild(master.pid) };
}

// Nothing is written for a request, and no connection is ever closed because it has served long enough.
function toConfiguration(port: number, { http, server }: NginxPlan): string {
  return `
daemon off;
${process.geteuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
pid nginx.pid;
error_log error.log crit;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  ${http}
  server {
    listen 127.0.0.1:${port} backlog=1024;
    ${server}
  }
}
`;
}

async function findChild(pid: number): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
    const child = Number(children.trim().split(' ')[0]);
    if (child > 0) return child;
    await sleep(10);
  }
  throw new Error('nginx has no worker');
}
