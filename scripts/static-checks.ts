// What can be known of the code without running it.

import { run } from './run.ts';

interface StaticCheck {
  readonly name: string;
  readonly command: readonly string[];
}

const STATIC_CHECKS: readonly StaticCheck[] = [
  { name: 'format', command: ['oxfmt', '--check'] },
  { name: 'lint', command: ['oxlint'] },
  { name: 'types', command: ['tsc'] },
  { name: 'unused code', command: ['knip', '--no-config-hints'] },
];

/** One after another, up to the first that fails; its exit code, or 0. */
export async function runStaticChecks(signal: AbortSignal): Promise<number> {
  for (const { name, command } of STATIC_CHECKS) {
    const startedMs = performance.now();
    const code = await run(command, { signal });
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    if (code !== 0) {
      console.error(`✖ ${name} failed (${seconds} s). To run only this: npx ${command.join(' ')}`);
      return code;
    }
    console.log(`✔ ${name} (${seconds} s)`);
  }
  return 0;
}
