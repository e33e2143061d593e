// nginx with Lua, doing what Tollgate does with everything on: the key, three limit windows, limit headers, a request id, a log record.

import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROXY_PASS, toUpstreamBlock, type Stoppable, type ProxyPlan } from './contestant.ts';
import { startNginx } from './nginx.ts';
import { KEYED } from './routes.ts';
import type { Stage } from './stage.ts';

export const LUA = 'nginx + lua';

/** A key that the gate knows. */
export interface GateKey {
  readonly id: string;
  readonly text: string;
  readonly requestsPerMinute: number;
}

export interface LuaPlan extends Omit<ProxyPlan, 'certificate'> {
  readonly modules: readonly string[];
  /** The first is sent by the load. */
  readonly keys: readonly GateKey[];
  /** Where the records go. Tollgate's are taken from it by another thread; so nginx is not made to pay for a disk. */
  readonly log?: string;
}

const ENDLESS = 1_000_000_000;

/**
 * It does less than Tollgate: no trace, no `Forwarded`, no `Via`, no metrics. What was left out can only make it quicker. What it has in common
 * with it is held by nginx-lua.test.ts.
 */
export async function startLuaNginx(stage: Stage, plan: LuaPlan): Promise<Stoppable> {
  const keysFile = join(stage.folder, 'gate-keys.lua');
  await writeFile(keysFile, toKeysFile(plan.keys));
  const nginx = await startNginx(stage, {
    ...plan,
    name: 'gate',
    http: `${toUpstreamBlock(plan.upstream)}
  lua_package_path "${import.meta.dirname}/?.lua;;";
  lua_shared_dict counters 10m;
  init_by_lua_block { gate = require "gate"; gate.load(dofile("${keysFile}")) }
  # The fields of a record in Tollgate's request log.
  log_format record escape=json '{"id":"$request_id","at":"$msec","ms":"$request_time","method":"$request_method","path":"$uri",'
    '"query":"$args","status":$status,"key":"$key_id","ip":"$remote_addr","agent":"$http_user_agent","in":"$request_length",'
    '"out":"$body_bytes_sent","target":"$upstream_addr","upstreamMs":"$upstream_header_time"}';`,
    server: `set $key_id "";
    location / {
      access_by_lua_block { gate.access() }
      access_log ${plan.log ?? '/dev/null'} record buffer=256k flush=1s;
      add_header X-Request-Id $request_id always;
      proxy_set_header X-Request-Id $request_id;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-API-Key "";
      proxy_hide_header X-RateLimit-Limit;
      proxy_hide_header X-RateLimit-Remaining;
      proxy_hide_header X-RateLimit-Reset;
      proxy_hide_header RateLimit-Policy;
      proxy_hide_header RateLimit;
      ${PROXY_PASS}
    }`,
  });
  return {
    name: LUA,
    work: 'key, three limit windows, limit headers, log record, written in Lua (bench/gate.lua)',
    origin: nginx.origin,
    pid: nginx.pid,
    stop: nginx.stop,
    prefix: KEYED,
    headers: { 'X-API-Key': plan.keys[0]?.text ?? '' },
    carriesRequests: () => true,
  };
}

/** A Lua file that returns the table which `gate.load` takes. No text of a key stands in it. */
export function toKeysFile(keys: readonly GateKey[]): string {
  const entries = keys.map(({ id, text, requestsPerMinute }) => {
    if (!/^[\w-]+$/.test(id)) throw new Error(`not an id to write into a Lua file: ${id}`);
    const digest = createHash('sha256').update(text).digest('hex');
    return `  { digest = "${digest}", id = "${id}", windows = {
    { name = "minute", seconds = 60, limit = ${requestsPerMinute} },
    { name = "hour", seconds = 3600, limit = ${ENDLESS} },
    { name = "day", seconds = 86400, limit = ${ENDLESS} } } },`;
  });
  return `return {\n${entries.join('\n')}\n}\n`;
}
