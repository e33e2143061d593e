// What a command has of the world around it; tests give another one.

import type { Readable, Writable } from 'node:stream';
import type { Fault } from '../lib/problem.ts';

export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeDir: string;
  readonly stdin: Readable & { readonly isTTY?: boolean; readonly setRawMode?: (isRaw: boolean) => unknown };
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable;
  /** What is wrong with a declaration, as far as this machine can know it. */
  readonly checkDeclaration: (document: unknown) => Promise<readonly Fault[]>;
}

/** A line on standard output: the result. */
export function say({ stdout }: World, line: string): void {
  stdout.write(`${line}\n`);
}

/** A line on standard error: what is said beside the result. */
export function remark({ stderr }: World, line: string): void {
  stderr.write(`${line}\n`);
}
