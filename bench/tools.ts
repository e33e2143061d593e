// The programs that a run needs, where they are, and what to install where they are not.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findExecutables } from '../test/harness/executable.ts';
import { mayTakePrecedence } from './precedence.ts';

export interface Tools {
  readonly wrk: string;
  /** The peer, and the upstream. */
  readonly nginx?: string;
  /** The modules that nginx loads to run Lua, in order; absent when they are not installed. */
  readonly luaModules?: readonly string[];
  readonly h2load?: string;
}

export interface FoundTools {
  /** Undefined when the measurement cannot run at all. */
  readonly tools: Tools | undefined;
  /** What is missing, and what comes of it. */
  readonly absences: readonly string[];
}

interface Wanted {
  readonly name: string;
  readonly debianPackage: string;
}

const WHERE = ['/usr/sbin', '/usr/local/sbin', '/usr/bin', '/usr/local/bin'];
/** Without them there is no measurement. */
const NEEDED: readonly Wanted[] = [
  { name: 'wrk', debianPackage: 'wrk' },
  { name: 'taskset', debianPackage: 'util-linux' },
  { name: 'chrt', debianPackage: 'util-linux' },
  { name: 'setpriv', debianPackage: 'util-linux' },
  { name: 'perl', debianPackage: 'perl-base' },
];

export function findTools(env: NodeJS.ProcessEnv): FoundTools {
  const find = (name: string): string | undefined => {
    const folder = findExecutables({ names: [name], places: WHERE }, env);
    return folder === undefined ? undefined : join(folder, name);
  };
  const lacking = NEEDED.filter(({ name }) => find(name) === undefined);
  const wrk = find('wrk');
  if (process.platform !== 'linux') return { tools: undefined, absences: ['The measurement needs Linux.'] };
  if (wrk === undefined || lacking.length > 0)
    return { tools: undefined, absences: lacking.map((wanted) => toAbsence(wanted, 'nothing can be measured')) };

  const nginx = find('nginx');
  const luaModules = nginx === undefined ? undefined : findLuaModules(nginx);
  const h2load = find('h2load');
  const absences: string[] = [];
  if (nginx === undefined)
    absences.push(
      toAbsence({ name: 'nginx', debianPackage: 'nginx-light' }, 'Tollgate is measured alone, and latency is left out'),
    );
  else if (luaModules === undefined)
    absences.push(toAbsence({ name: 'nginx with Lua', debianPackage: 'libnginx-mod-http-lua' }, 'it takes no part'));
  if (h2load === undefined)
    absences.push(toAbsence({ name: 'h2load', debianPackage: 'nghttp2-client' }, 'the case h2 is left out'));
  if (!mayTakePrecedence())
    absences.push('Real-time scheduling is not permitted (root may): in the case latency the load may send late.');
  const tools = {
    wrk,
    ...(nginx !== undefined && { nginx }),
    ...(luaModules !== undefined && { luaModules }),
    ...(h2load !== undefined && { h2load }),
  };
  return { tools, absences };
}

/** The cases that cannot be measured with these. */
export function withoutTools({ nginx, h2load }: Tools): readonly string[] {
  return [...(nginx === undefined ? ['latency'] : []), ...(h2load === undefined ? ['h2'] : [])];
}

function toAbsence({ name, debianPackage }: Wanted, consequence: string): string {
  return `${name} is not installed (apt-get install ${debianPackage}): ${consequence}.`;
}

/** Lua's module uses the development kit's where it was built with it, as Debian's was. */
function findLuaModules(nginx: string): readonly string[] | undefined {
  const { stdout, stderr } = spawnSync(nginx, ['-V'], { encoding: 'utf8', timeout: 10_000 });
  const folder = parseModulesFolder(`${stdout}${stderr}`);
  if (folder === undefined) return undefined;
  const files = ['ndk_http_module.so', 'ngx_http_lua_module.so'].map((name) => join(folder, name));
  return files.every((file) => existsSync(file)) ? files : undefined;
}

/** Where `nginx -V` says that modules are. */
export function parseModulesFolder(text: string): string | undefined {
  return /--modules-path=(\S+)/.exec(text)?.[1];
}
