// Requests in, typed input out: the one place where what a caller sent becomes what a handler may trust.

import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { Type, type Static, type TObject } from 'typebox';
import { Problem, type Fault } from '../lib/problem.ts';
import { toFault, toFlaw, type Flaw } from './faults.ts';
import { FORMATS } from './formats.ts';
import { findUnstorable } from './storable.ts';

/** More faults than this are of no use to anybody, and their making is work for whoever sends rubbish. */
const MAX_FAULTS = 100;

export type Part = 'params' | 'query' | 'headers' | 'body';

/** A value checked: all of it, or the fields that are sound beside the faults of the others. */
export type Checked<Schema extends TObject> =
  | { readonly ok: true; readonly value: Static<Schema>; readonly sound: Partial<Static<Schema>> }
  | { readonly ok: false; readonly sound: Partial<Static<Schema>>; readonly faults: readonly Fault[] };

export type Validator<Schema extends TObject> = (value: unknown) => Checked<Schema>;

export interface Validation {
  /** Without a schema, nothing is expected and anything is a fault. */
  compile<Schema extends TObject>(part: Part, schema: Schema | undefined): Validator<Schema>;
}

export function createValidation(): Validation {
  const strict = createAjv(false);
  // What stands in a URL or a header is always text: numbers and booleans are read out of it.
  const coercing = createAjv(true);
  return {
    compile<Schema extends TObject>(part: Part, schema: Schema | undefined): Validator<Schema> {
      const ajv = part === 'body' ? strict : coercing;
      const known = schema ?? Type.Object({}, { additionalProperties: false });
      const whole = ajv.compile<Static<Schema>>(known);
      // Only what is refused needs it: most operations never do.
      let partial: ValidateFunction<Partial<Static<Schema>>> | undefined;
      return (value) => {
        if (value === undefined)
          return { ok: false, sound: {}, faults: [{ path: part, message: 'is required: send a JSON object' }] };
        const flaws = findUnstorable(value);
        if (whole(value) && flaws.length === 0) return { ok: true, value, sound: value };
        flaws.push(
          ...withoutEchoes(whole.errors ?? [])
            .slice(0, MAX_FAULTS)
            .map(toFlaw),
        );
        const rest: unknown = withoutCulprits(value, flaws);
        partial ??= ajv.compile<Partial<Static<Schema>>>(Type.Partial(known));
        return { ok: false, sound: partial(rest) ? rest : {}, faults: flaws.map((flaw) => toFault(flaw, part)) };
      };
    },
  };
}

export function faultsOf(
  checked: { readonly ok: true } | { readonly ok: false; readonly faults: readonly Fault[] },
): readonly Fault[] {
  return checked.ok ? [] : checked.faults;
}

/** The problem that lists every fault of a request. */
export function invalidRequest(...faults: readonly (readonly Fault[])[]): Problem {
  return new Problem('invalid_request', { errors: faults.flat().slice(0, MAX_FAULTS) });
}

function createAjv(coerceTypes: boolean): Ajv2020 {
  const ajv = new Ajv2020({
    allErrors: true,
    coerceTypes,
    removeAdditional: false,
    verbose: true,
    allowUnionTypes: true,
  });
  for (const [name, format] of Object.entries(FORMATS)) ajv.addFormat(name, (text: string) => format.check(text));
  return ajv;
}

/** What is of the wrong type fails the rest of its schema as well; only the type is worth telling. */
function withoutEchoes(errors: readonly ErrorObject[]): ErrorObject[] {
  const wrongTypes = new Set(
    errors.filter(({ keyword }) => keyword === 'type').map(({ instancePath }) => instancePath),
  );
  return errors.filter(({ keyword, instancePath }) => keyword === 'type' || !wrongTypes.has(instancePath));
}

/** The value without those of its own fields in which anything is wrong. */
function withoutCulprits(value: unknown, flaws: readonly Flaw[]): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  const wrong = new Set(flaws.map(({ names }) => names[0]));
  return Object.fromEntries(Object.entries(value).filter(([name]) => !wrong.has(name)));
}
