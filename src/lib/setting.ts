// The kinds of settings: what each is called for people, and how its text is read.

export interface Setting<Value> {
  readonly type: string;
  /** Undefined when the setting may be absent. */
  readonly default: Value;
  /** What the reference shows for a default that is made or computed. */
  readonly defaultText?: string;
  readonly meaning: string;
  readonly secret: boolean;
  /** Returns the value, or undefined when the text is not one. */
  readonly parse: (text: string) => Value | undefined;
}

interface Words {
  readonly meaning: string;
  readonly defaultText?: string;
  readonly secret?: boolean;
}

export function integer(fallback: number, min: number, max: number, words: Words): Setting<number> {
  return {
    type: `integer, ${min} to ${max}`,
    default: fallback,
    ...words,
    secret: false,
    parse(text) {
      const value = Number(text);
      return /^\d+$/.test(text) && value >= min && value <= max ? value : undefined;
    },
  };
}

export function boolean(fallback: boolean, words: Words): Setting<boolean> {
  const values = new Map([
    ['true', true],
    ['false', false],
  ]);
  return { type: 'true or false', default: fallback, ...words, secret: false, parse: (text) => values.get(text) };
}

export function choice<const Choice extends string>(
  fallback: NoInfer<Choice>,
  choices: readonly Choice[],
  words: Words,
): Setting<Choice> {
  return {
    type: `one of ${choices.join(', ')}`,
    default: fallback,
    ...words,
    secret: false,
    parse: (text) => choices.find((one) => one === text),
  };
}

export function textual(fallback: string, type: string, pattern: RegExp, words: Words): Setting<string> {
  return {
    type,
    default: fallback,
    ...words,
    secret: words.secret ?? false,
    parse: (value) => (pattern.test(value) ? value : undefined),
  };
}

export function optional(type: string, pattern: RegExp, words: Words): Setting<string | undefined> {
  return { ...textual('', type, pattern, words), default: undefined };
}

/** What is separated by commas. */
export function list(
  fallback: readonly string[],
  type: string,
  isEntry: (text: string) => boolean,
  words: Words,
): Setting<readonly string[]> {
  return {
    type,
    default: fallback,
    defaultText: fallback.length === 0 ? 'none' : `\`${fallback.join(', ')}\``,
    ...words,
    secret: false,
    parse(text) {
      const entries = text.split(',').map((entry) => entry.trim());
      return entries.every(isEntry) ? entries : undefined;
    },
  };
}
