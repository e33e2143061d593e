// Every command of the README and of the guides, run as it stands there: in order, by a shell, against what `npm start` starts.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { createSandbox, type RunningTollgate, type Sandbox } from '../harness/tollgate.ts';
import { freePort } from '../harness/free-port.ts';

const run = promisify(execFile);

/** What each curl of a page answers and each tollgate ends with, in order; a new command needs its line here. A page may use what those before it exported. */
const PAGES: readonly [file: string, expected: readonly number[]][] = [
  ['README.md', [200, 201, 201, 200, 401, 201, 201, 200, 200, 200, 200]],
  ['docs/publishing.md', [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['docs/tenants-and-roles.md', [201, 201, 201, 201, 200]],
];

const ROOT = new URL('../../', import.meta.url);

describe('the README and the guides', () => {
  const env: Record<string, string | undefined> = { ...process.env };
  let sandbox: Sandbox;
  let tollgate: RunningTollgate;
  let demoPort = 0;

  before(async () => {
    sandbox = await createSandbox();
    demoPort = await freePort();
    tollgate = await sandbox.start({ TOLLGATE_DEMO: 'true', TOLLGATE_DEMO_PORT: String(demoPort) });
  });
  after(() => sandbox.remove());

  it('starts and tests with the two commands that package.json has', () => {
    const basic = blocksOf('README.md').flatMap((block) => block.match(/^npm \S+/gm) ?? []);
    assert.deepEqual(basic, ['npm start', 'npm test']);
    const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    assert.equal(manifest.scripts.start, 'exec node src/main.ts', 'the sandbox starts the same file');
  });

  for (const [file, expected] of PAGES) {
    it(`give in ${file} commands that answer as it says`, async () => {
      const statuses: (number | null)[] = [];
      let last = '';
      for (const command of commandsOf(file)) {
        const variable = /^export (\w+)=…\s+# the (\w+) of the answer$/.exec(command);
        if (variable !== null) {
          env[variable[1] ?? ''] = pick(last, variable[2] ?? '');
          continue;
        }
        const here = command
          .replaceAll('http://127.0.0.1:8080', tollgate.url)
          .replaceAll('127.0.0.1:8081', `127.0.0.1:${demoPort}`);
        if (/(?:^|[ |])tollgate /.test(here)) {
          const own = { ...env, TOLLGATE_URL: tollgate.url, TOLLGATE_API_KEY: env['ADMIN_KEY'] };
          const words = here.replace(/(^|[ |])tollgate /, `$1${process.execPath} src/main.ts `);
          statuses.push(await exitCode(words, own));
          continue;
        }
        const { stdout } = await run('sh', ['-c', `${here} -sS -w '\\n%{http_code}'`], { env, timeout: 10_000 });
        statuses.push(Number(stdout.split('\n').at(-1)));
        last = stdout;
      }
      assert.deepEqual(statuses, expected);
    });
  }

  it('prints at most fifteen lines at the start, with the set-up call and a request to copy', () => {
    const lines = tollgate.output().trimEnd().split('\n');
    assert.ok(lines.length <= 15, `${lines.length} lines`);
    assert.match(tollgate.output(), /curl -X POST \S+\/setup/);
    assert.match(tollgate.output(), /curl \S+\/demo\/echo/);
  });
});

async function exitCode(words: string, own: NodeJS.ProcessEnv): Promise<number | null> {
  const child = spawn('sh', ['-c', words], { env: own, cwd: ROOT, stdio: 'ignore', timeout: 30_000 });
  await once(child, 'close');
  return child.exitCode;
}

function blocksOf(file: string): string[] {
  const page = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
  return [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map((match) => match[1] ?? '');
}

/** Its commands, their continued lines joined. */
function commandsOf(file: string): string[] {
  return blocksOf(file)
    .filter((block) => !block.startsWith('npm '))
    .flatMap((block) => block.replaceAll('\\\n', ' ').split('\n'))
    .filter((line) => line !== '');
}

function pick(output: string, field: string): string {
  const body = JSON.parse(output.slice(0, output.lastIndexOf('\n')));
  const value = body[field] ?? body.data?.[field];
  assert.equal(typeof value, 'string', `the answer before has no ${field}`);
  return value;
}
