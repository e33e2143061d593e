// Makes a checkout ready to run: installs the dependencies when they are not those of package-lock.json, and proves that the
// Node that the project pins runs. npm calls it before `npm start`, `npm test` and `npm run check`, so it must work on the
// machine's own Node 20: plain JavaScript, no dependencies.

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir, userInfo } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const OLDEST_SYSTEM_NODE = 20;
const INSTALL_TIMEOUT_MS = 10 * 60_000;
const LOCK_POLL_MS = 200;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const pinnedNode = join(root, 'node_modules', '.bin', 'node');
const oldestNode = Number(/\d+/.exec(readJson('package.json')?.engines?.node ?? '')?.[0] ?? OLDEST_SYSTEM_NODE);

if (Number.parseInt(process.versions.node, 10) < OLDEST_SYSTEM_NODE) {
  stop(`Node ${process.versions.node} is too old to install Tollgate: install Node ${OLDEST_SYSTEM_NODE} or later.`);
}
// The usual case, in a few milliseconds and without the lock: everything is there.
if (!isReady()) await withLock(makeReady);

function isReady() {
  return hasDependencies() && pinnedNodeFault() === undefined;
}

async function makeReady() {
  if (!hasDependencies()) {
    const reason = readJson('node_modules/.package-lock.json') ? 'package-lock.json has changed' : 'first run';
    console.log(`Installing dependencies (${reason}): npm ci …`);
    const { code, errors } = await npm('ci', '--include=dev');
    if (code !== 0) stop(`${errors}Dependencies could not be installed: npm ci failed, its reasons stand above.`, code);
  }
  if (pinnedNodeFault() === undefined) return;

  // npm ci leaves the package without its binary when install scripts are switched off, or were cut short.
  console.log('Installing the pinned Node: npm rebuild node …');
  const { errors } = await npm('rebuild', 'node', '--foreground-scripts=false');
  const fault = pinnedNodeFault();
  if (fault === undefined) return;
  stop(`${errors}The pinned Node (node_modules/.bin/node) ${fault}`);
}

/**
 * Whether node_modules holds what package-lock.json asks for. npm writes node_modules/.package-lock.json last, so half an
 * installation does not count; contents are compared, not times, because a git checkout changes times.
 */
function hasDependencies() {
  const wanted = readJson('package-lock.json')?.packages;
  const found = readJson('node_modules/.package-lock.json')?.packages;
  if (!wanted || !found) return false;
  const { '': _project, ...packages } = wanted;
  for (const [path, entry] of Object.entries(packages)) {
    const installed = found[path];
    // Optional packages for other platforms are not installed.
    if (!installed && !entry.optional) return false;
    if (installed && (installed.version !== entry.version || installed.integrity !== entry.integrity)) return false;
  }
  return Object.keys(found).every((path) => path in packages);
}

/** What is wrong with the pinned Node and what to do, or undefined when it runs and is new enough. */
function pinnedNodeFault() {
  const { error, status, stdout, stderr } = spawnSync(pinnedNode, ['--version'], { encoding: 'utf8', timeout: 30_000 });
  const library = /loading shared libraries: ([^:]+):/.exec(stderr ?? '')?.[1];
  if (library) return `needs ${library}: install it (on Debian libatomic.so.1 comes with: apt-get install libatomic1).`;
  const remedy = 'Run: npm rebuild node --ignore-scripts=false';
  if (error || status !== 0) return `does not run (${error?.code ?? `exit code ${status}`}). ${remedy}`;
  const major = Number(/^v(\d+)/.exec(stdout)?.[1] ?? 0);
  return major >= oldestNode ? undefined : `is ${stdout.trim()}, older than ${oldestNode}. ${remedy}`;
}

/** Runs npm on the machine's own Node, since the pinned one is being replaced; quiet unless something is wrong. */
async function npm(...args) {
  const path = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.endsWith(join('node_modules', '.bin')));
  const child = spawn('npm', [...args, '--loglevel=error', '--no-audit', '--no-fund', '--no-progress'], {
    cwd: root,
    env: { ...process.env, PATH: path.join(delimiter) },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: INSTALL_TIMEOUT_MS,
  });
  const forward = (signal) => child.kill(signal);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, forward);

  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
  const code = await new Promise((resolve) => {
    child.once('error', (error) => {
      errors += `npm could not be started (${error.code}).\n`;
      resolve(1);
    });
    child.once('close', (exitCode, signal) => resolve(exitCode ?? 128 + constants.signals[signal]));
  });
  for (const signal of signals) process.off(signal, forward);
  return { code, errors };
}

/**
 * Runs the work alone: `npm start` and `npm test` may be typed at once. The lock is a file with the process id of its holder,
 * outside of the tree; one left behind by a dead process is taken over. Whoever waited finds the work done.
 */
async function withLock(work) {
  const name = createHash('sha256').update(`${userInfo().uid}:${root}`).digest('hex').slice(0, 16);
  const file = join(tmpdir(), `tollgate-install-${name}.lock`);
  const deadline = Date.now() + INSTALL_TIMEOUT_MS;
  let isWaiting = false;
  while (!tryLock(file)) {
    if (!isWaiting) console.log('Waiting for another installation of this checkout …');
    isWaiting = true;
    if (Date.now() > deadline)
      stop(`Another installation of this checkout does not end. When there is none, delete ${file}.`);
    await sleep(LOCK_POLL_MS);
  }
  process.once('exit', () => rmSync(file, { force: true }));
  if (!isReady()) await work();
}

function tryLock(file) {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') stop(`The lock ${file} cannot be made (${error.code}).`);
  }
  if (!isHeld(file)) rmSync(file, { force: true });
  return false;
}

function isHeld(file) {
  try {
    const text = readFileSync(file, 'utf8');
    // Empty for the moment between its making and its writing.
    if (text !== '') process.kill(Number(text), 0);
    return true;
  } catch (error) {
    // Only a dead holder counts: a file that has just gone may be somebody else's by now.
    return error.code !== 'ESRCH';
  }
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), 'utf8'));
  } catch {
    return undefined;
  }
}

function stop(message, code = 1) {
  console.error(message);
  process.exit(code);
}
