// How deep a document may go. What goes round in circles, as a YAML alias of what it stands in does, has no end at all.

const MAX_LEVELS = 100;

export const TOO_DEEP = `nested deeper than ${MAX_LEVELS} levels`;

/** Looks no further than the first place that is too deep. */
export function isTooDeep(value: unknown, levels = MAX_LEVELS): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((member) => isTooDeep(member, levels - 1));
}
