// How a command ends, and what is said when it does not end well.

/** Exit codes with their meaning, as the reference tells them. */
export const EXIT_CODES = {
  ok: { code: 0, meaning: 'Done.' },
  refused: {
    code: 1,
    meaning: 'The API refused the call, or the command failed; the reason stands on standard error.',
  },
  usage: { code: 2, meaning: 'The command line, a setting or the profile file is wrong; nothing was sent.' },
  unreachable: {
    code: 3,
    meaning: 'Tollgate could not be reached, did not answer in time, broke off its answer, or failed (5xx).',
  },
  denied: { code: 4, meaning: 'There are no credentials, they were refused (401), or they do not permit this (403).' },
  absent: { code: 5, meaning: 'What the command names does not exist, or is not yours to see (404).' },
  tampered: { code: 6, meaning: '`audit verify` found entries that were removed, altered or put in.' },
  different: { code: 7, meaning: '`diff --exit-code` found something to change.' },
} as const;

export type Ending = keyof typeof EXIT_CODES;

/** One or more lines for the person who typed the command. */
export type Problems = readonly [string, ...string[]];

/** Ends the command; expected, so without a stack. Holds no secret. */
export class Failure extends Error {
  readonly ending: Ending;
  readonly problems: Problems;
  /** The problem details of the API, for `--json`. */
  readonly details: unknown;

  constructor(ending: Ending, problems: Problems, details?: unknown) {
    super(problems.join('\n'));
    this.name = 'Failure';
    this.ending = ending;
    this.problems = problems;
    this.details = details;
  }
}
