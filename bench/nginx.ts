// nginx as we need it: one worker, in the foreground, with everything that it writes in the temporary folder.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePort, stopPlayer, waitUntilAnswers, type Stage } from './stage.ts';

/** More than any case opens. */
const MAX_CONNECTIONS = 16_384;

export interface NginxPlan {
  /** The program. */
  readonly file: string;
  /** Also that of its folder. */
  readonly name: string;
  readonly core: number;
  readonly modules?: readonly string[];
  /** A second port, for TLS 1.3 with HTTP/1.1 and HTTP/2. */
  readonly certificate?: CertificateFiles;
  /** Inside `http { … }`. */
  readonly http: string;
  /** Inside `server { … }`, with `listen` and `/ready` already said. */
  readonly server: string;
}

export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

export interface RunningNginx {
  readonly origin: string;
  /** Where no certificate was given, nobody listens there. */
  readonly tlsOrigin: string;
  /** Of the worker; the process above it does nothing. */
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

export async function startNginx(stage: Stage, plan: NginxPlan): Promise<RunningNginx> {
  const folder = join(stage.folder, plan.name);
  await mkdir(folder, { recursive: true });
  const ports = { port: await findFreePort(), tlsPort: await findFreePort() };
  await writeFile(join(folder, 'nginx.conf'), toConfiguration(ports, plan));
  const master = stage.start({
    file: plan.file,
    args: ['-p', folder, '-e', 'error.log', '-c', join(folder, 'nginx.conf')],
    core: plan.core,
  });
  const origin = `http://127.0.0.1:${ports.port}`;
  await waitUntilAnswers(master, `${origin}/ready`, stage.signal);
  return {
    origin,
    tlsOrigin: `https://127.0.0.1:${ports.tlsPort}`,
    pid: await findChild(master.pid),
    stop: () => stopPlayer(master, `nginx (${plan.name})`, stage.signal),
  };
}

interface Ports {
  readonly port: number;
  readonly tlsPort: number;
}

// Nothing is written for a request, and no connection is ever closed because it has served long enough or waited too long.
function toConfiguration({ port, tlsPort }: Ports, { modules, certificate, http, server }: NginxPlan): string {
  // `listen … http2` is what both old and new nginx understand; new ones warn that there is a directive for it now.
  const tls =
    certificate === undefined
      ? ''
      : `listen 127.0.0.1:${tlsPort} ssl http2 backlog=4096;
    ssl_protocols TLSv1.3;
    ssl_certificate ${certificate.certificate};
    ssl_certificate_key ${certificate.key};`;
  return `
${(modules ?? []).map((file) => `load_module ${file};`).join('\n')}
daemon off;
${process.geteuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
worker_rlimit_nofile ${2 * MAX_CONNECTIONS};
pid nginx.pid;
error_log error.log crit;
events { worker_connections ${MAX_CONNECTIONS}; }
http {
  access_log off;
  default_type text/plain;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  ${http}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    ${tls}
    location = /ready { return 200; }
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
