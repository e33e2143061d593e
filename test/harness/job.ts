// A child process, its exit and the end of what it said.

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

const TAIL_CHARACTERS = 4_000;

export class Job {
  /** The exit code, or the name of what ended it; never rejects. */
  readonly exit: Promise<number | string>;
  readonly #child: ChildProcess;
  #tail = '';

  constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => this.#keep(text));
    this.exit = once(child, 'close').then(
      () => child.exitCode ?? child.signalCode ?? 'unknown',
      (error: unknown) => String(error),
    );
  }

  /** Waits until the process has said it, has ended, or the time is over. */
  async waitForLog(pattern: RegExp, timeoutMs: number): Promise<'found' | 'exited' | 'late'> {
    const { promise, resolve } = Promise.withResolvers<'found' | 'exited' | 'late'>();
    const look = (): void => {
      if (pattern.test(this.#tail)) resolve('found');
    };
    const timer = setTimeout(resolve, timeoutMs, 'late');
    const streams = [this.#child.stdout, this.#child.stderr];
    for (const stream of streams) stream?.on('data', look);
    look();
    void this.exit.then(() => resolve('exited'));
    const outcome = await promise;
    for (const stream of streams) stream?.off('data', look);
    clearTimeout(timer);
    return outcome;
  }

  logTail(): string {
    return this.#tail.trim();
  }

  #keep(text: string): void {
    this.#tail = (this.#tail + text).slice(-TAIL_CHARACTERS);
  }
}
