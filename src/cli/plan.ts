// Plans and differences as people read them. Pure.

import { Type, type Static } from 'typebox';
import { toPlain } from './plain-text.ts';

export const FieldChange = Type.Object({
  path: Type.String(),
  before: Type.Optional(Type.Unknown()),
  after: Type.Optional(Type.Unknown()),
});

export const Step = Type.Object({
  action: Type.String(),
  gateway: Type.String(),
  endpoint: Type.Optional(Type.String()),
  fields: Type.Optional(Type.Array(FieldChange)),
});

export type Step = Static<typeof Step>;
export type FieldChange = Static<typeof FieldChange>;

/** Longer values are cut; `--json` shows all. */
const MAX_VALUE = 100;

const SIGNS = new Map([
  ['create', '+'],
  ['update', '~'],
  ['delete', '-'],
  ['deploy', '>'],
]);

export function planLines(steps: readonly Step[]): string[] {
  return steps.flatMap(({ action, gateway, endpoint, fields = [] }) => {
    const what = toPlain(endpoint === undefined ? gateway : `${gateway} ${endpoint}`);
    const note = action === 'keep' ? '  (not declared; --prune deletes it)' : '';
    return [`${SIGNS.get(action) ?? ' '} ${action} ${what}${note}`, ...fieldLines(fields)];
  });
}

export function fieldLines(fields: readonly FieldChange[]): string[] {
  return fields.map((change) => `    ${toPlain(change.path)}: ${side(change.before)} → ${side(change.after)}`);
}

function side(value: unknown): string {
  if (value === undefined) return 'nothing';
  const characters = Array.from(toPlain(JSON.stringify(value)));
  return characters.length <= MAX_VALUE ? characters.join('') : `${characters.slice(0, MAX_VALUE - 1).join('')}…`;
}

export function isQuiet(steps: readonly Step[]): boolean {
  return steps.every(({ action }) => action === 'keep');
}
