// A command of the program as data: what it is called, what it takes, which call of the API it makes, and how the answer is shown. Help, the
// reference page and the parser all read the same table.

import type { Client } from './client.ts';
import type { World } from './world.ts';

export interface Group {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly Command[];
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly description?: string;
  /** What stands behind the name, in this order; all are needed. Each is a parameter of the path. */
  readonly args?: readonly Arg[];
  readonly options?: readonly Option[];
  readonly does: Call | Program;
  /** Each begins with the group's name, as in `keys list --status active`; with what it is good for. */
  readonly examples: readonly Example[];
}

/** A command without a group. */
export interface SingleCommand extends Command {
  readonly topic: 'credentials' | 'publishing';
}

export interface Arg {
  readonly name: string;
  readonly meaning: string;
}

export interface Example {
  readonly line: string;
  readonly about: string;
}

interface OptionWords {
  /** Without its dashes. */
  readonly name: string;
  /** One letter that says the same behind one dash. */
  readonly letter?: string;
  readonly meaning: string;
  readonly isRequired?: boolean;
  /** What it names is a file. */
  readonly isFile?: boolean;
}

/** `field` is where the value goes: in the query of a GET, in the body of everything else; dots lead into it. */
export type Option = OptionWords &
  (
    | { readonly type: 'text' | 'integer' | 'number' | 'list' | 'object'; readonly field: string }
    /** Takes no value: where it stands, the field is true. */
    | { readonly type: 'switch'; readonly field: string }
    /** Fields to be cleared, by the names of their options. */
    | { readonly type: 'clear'; readonly fields: Readonly<Record<string, string>> }
    /** A file with the rest of the body. */
    | { readonly type: 'body' }
    /** For the program, not for the API. `words`: any number of times, each as it stands. */
    | { readonly type: 'flag' | 'word' | 'words' }
  );

/** One call of the API. */
export interface Call {
  readonly kind: 'call';
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below `/api/v1`, parameters as `{id}`. */
  readonly path: string;
  /** What the body always holds. */
  readonly body?: Readonly<Record<string, unknown>>;
  readonly show: Show;
}

export type Show =
  /** A list: columns by their fields, dots lead into them. `membersOf`: where in the answer an object stands whose members are the rows, each with its `name`; empty for the whole. */
  | { readonly as: 'table'; readonly columns: readonly string[]; readonly membersOf?: string }
  /** One resource: every field, a line each. `secret`: where in the answer a key stands that is shown this once. */
  | { readonly as: 'fields'; readonly secret?: string }
  /** `{id}` stands for the first argument. */
  | { readonly as: 'sentence'; readonly text: string };

/** What is more than one call. */
export interface Program {
  readonly kind: 'program';
  /** The calls that it makes, as `GET /path`, for the reference. */
  readonly calls: readonly string[];
  readonly run: (run: ProgramRun) => Promise<number>;
}

export interface ProgramRun {
  readonly world: World;
  readonly values: Values;
  /** The options that have a field. */
  readonly query: Readonly<Record<string, string>>;
  /** Throws a Failure when there are no credentials. */
  readonly client: () => Client;
}

/** What the command line said, parsed. */
export interface Values {
  readonly args: Readonly<Record<string, string>>;
  /** By the options' names. */
  readonly options: ReadonlyMap<string, unknown>;
  readonly isJson: boolean;
  readonly profile: string | undefined;
}

export function wordsOf(values: Values, name: string): readonly string[] {
  const value = values.options.get(name);
  return Array.isArray(value) ? value.map(String) : [];
}

export function isTold(values: Values, name: string): boolean {
  return values.options.get(name) === true;
}

export function textOf(values: Values, name: string): string | undefined {
  const value = values.options.get(name);
  return typeof value === 'string' ? value : undefined;
}
