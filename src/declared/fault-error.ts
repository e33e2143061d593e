// What is wrong with what was declared, for the person who wrote it: all of it at once, a line each.

import type { Fault } from '../lib/problem.ts';

export class DeclarationError extends Error {
  /** Each names the place and says what to do. */
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.length === 1 ? faults[0] : `${faults.length} faults:\n- ${faults.join('\n- ')}`);
    this.name = 'DeclarationError';
    this.faults = faults;
  }
}

/** `api.yaml: gateways[0].name is required`; `where` names the file, or what the value was given as. */
export function toLines(faults: readonly Fault[], where: string): string[] {
  return faults.map(({ path, message }) => `${where}: ${path === '' ? '' : `${path} `}${message}`);
}
