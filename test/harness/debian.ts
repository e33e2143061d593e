// Installs server packages on Debian and its kin, without letting them start services of their own.

import { spawn } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { once } from 'node:events';

const APT = '/usr/bin/apt-get';
/** Asked by every package before it starts a service; 101 means: do not. */
const POLICY_FILE = '/usr/sbin/policy-rc.d';
const INSTALL_TIMEOUT_MS = 5 * 60_000;

export function isDebianRoot(): boolean {
  return process.geteuid?.() === 0 && existsSync(APT);
}

export async function installDebianPackages(packages: readonly string[]): Promise<void> {
  process.stderr.write(`Installing ${packages.join(' and ')} for the tests: apt-get …\n`);
  const ownsPolicy = denyServices();
  try {
    await apt(['update']);
    await apt(['install', '--yes', '--no-install-recommends', ...packages]);
  } finally {
    if (ownsPolicy) rmSync(POLICY_FILE, { force: true });
  }
}

/** Whether the policy is ours to remove; one that stands there already (in container images) denies as well. */
function denyServices(): boolean {
  if (existsSync(POLICY_FILE)) return false;
  writeFileSync(POLICY_FILE, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  return true;
}

/** In a process group of its own: an interrupt must not stop the package manager half-way. */
async function apt(args: readonly string[]): Promise<void> {
  const child = spawn(APT, ['-qq', '-o', 'DPkg::Lock::Timeout=120', ...args], {
    detached: true,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: INSTALL_TIMEOUT_MS,
  });
  const [errors] = await Promise.all([text(child.stderr), once(child, 'close')]);
  if (child.exitCode !== 0) throw new Error(`apt-get ${args.join(' ')} failed:\n${errors.trim()}`);
}
