// Makes an operation ready to be called: authorize, validate, carry out (once, where asked), evaluate conditions, present.

import type { TObject } from 'typebox';
import { Problem, type Fault } from '../lib/problem.ts';
import { toEntityTag, isMatch, isNoneMatch } from './entity-tag.ts';
import { once } from './idempotency/once.ts';
import type { Claim } from './idempotency/store.ts';
import type {
  Answer,
  Arrival,
  Authorize,
  BoundOperation,
  Context,
  Form,
  Input,
  Outcome,
  RawInput,
  Replies,
  Spec,
  StreamedAnswer,
  WholeAnswer,
} from './operation.ts';
import { createPrecondition } from './precondition.ts';
import type { Standards } from './standard-headers.ts';
import { faultsOf, invalidRequest, type Validation } from './validation.ts';

interface Binding<
  P extends TObject,
  Q extends TObject,
  H extends TObject,
  B extends TObject,
  R extends Replies,
  C extends Context,
> {
  readonly spec: Spec<P, Q, H, B, R, C>;
  readonly standards: Standards;
  readonly authorize: Authorize<C>;
}

/** The headers of the standards, as far as the operation keeps to them. */
interface StandardInput {
  readonly ifMatch: string | undefined;
  readonly ifNoneMatch: string | undefined;
  readonly idempotencyKey: string | undefined;
}

export function bind<
  R extends Replies,
  P extends TObject,
  Q extends TObject,
  H extends TObject,
  B extends TObject,
  C extends Context,
>({ spec, standards, authorize }: Binding<P, Q, H, B, R, C>, validation: Validation): BoundOperation {
  const check = createCheck(spec, standards, validation);

  return async (raw, arrival, form) => {
    const given = toStandardInput(raw, standards);
    const precondition = createPrecondition(given.ifMatch, given.ifNoneMatch);
    const context = await authorize({ ...arrival, precondition, claim: undefined }, raw);
    const input = check(raw, context);
    const carryOut = async (claim: Claim | undefined): Promise<Outcome> => {
      const answer = await spec.handle(input, { ...context, claim });
      if (standards.conditions === 'change' && precondition.isGiven && !precondition.isChecked)
        throw new Error(`${spec.id} did not check its precondition`);
      return 'chunks' in answer ? answer : toOutcome({ spec, standards, given, form }, answer);
    };
    const { idempotencyKey } = given;
    if (idempotencyKey === undefined) return carryOut(undefined);
    const request = { form, params: input.params, query: input.query, headers: input.headers, body: input.body };
    return once({ ...toCaller(context), operation: spec.id, idempotencyKey, request }, async (claim) =>
      toWhole(await carryOut(claim)),
    );
  };
}

/** Parses what came, or throws with every fault. */
function createCheck<
  R extends Replies,
  P extends TObject,
  Q extends TObject,
  H extends TObject,
  B extends TObject,
  C extends Context,
>(
  spec: Spec<P, Q, H, B, R, C>,
  standards: Standards,
  validation: Validation,
): (raw: RawInput, context: C) => Input<P, Q, H, B> {
  const checkParams = validation.compile('params', spec.params);
  const checkQuery = validation.compile('query', spec.query);
  const checkHeaders = validation.compile('headers', spec.headers);
  const checkStandards = validation.compile('headers', standards.headers);
  const checkBody = validation.compile('body', spec.body);
  const headerNames = Object.keys(spec.headers?.properties ?? {});
  const standardNames = Object.keys(standards.headers.properties);

  return (raw, context) => {
    const params = checkParams(raw.params);
    const query = checkQuery(raw.query);
    const headers = checkHeaders(pick(raw.headers, headerNames));
    const standard = checkStandards(pick(raw.headers, standardNames));
    const mayLackBody = spec.body === undefined || spec.isBodyOptional === true;
    const body = checkBody(mayLackBody ? (raw.body ?? {}) : raw.body);
    const semantic = [
      ...unheardConditions(raw, spec.method, standards),
      ...(spec.faults?.({ query: query.sound, body: body.sound }, context) ?? []),
    ];
    if (!params.ok || !query.ok || !headers.ok || !standard.ok || !body.ok || semantic.length > 0) {
      throw invalidRequest([params, query, headers, standard, body].flatMap(faultsOf), semantic);
    }
    return { params: params.value, query: query.value, headers: headers.value, body: body.value };
  };
}

/** Whoever makes a change depend on something must not find it made regardless. */
function unheardConditions(raw: RawInput, method: string, { conditions }: Standards): Fault[] {
  if (method === 'GET' || conditions !== undefined || raw.headers['if-match'] === undefined) return [];
  return [{ path: 'headers.if-match', message: 'is not looked at by this call: send it without' }];
}

function toStandardInput(raw: RawInput, { conditions, isRepeatable }: Standards): StandardInput {
  const text = (name: string, isHeard: boolean): string | undefined => {
    const value = raw.headers[name];
    return isHeard && typeof value === 'string' ? value : undefined;
  };
  return {
    ifMatch: text('if-match', conditions !== undefined),
    ifNoneMatch: text('if-none-match', conditions !== undefined),
    idempotencyKey: text('idempotency-key', isRepeatable),
  };
}

function toCaller({ services, principal, nowMs }: Arrival) {
  if (principal === undefined) throw new Error('nobody called, and yet the call is repeatable');
  return { db: services.db, key: services.idempotencyKey, principal, nowMs };
}

interface Presentation<R extends Replies> {
  readonly spec: {
    readonly isBare?: boolean;
    readonly compact?: { readonly present: (answer: Answer<R>) => unknown };
  };
  readonly standards: Standards;
  readonly given: StandardInput;
  readonly form: Form;
}

function toOutcome<R extends Replies>(presentation: Presentation<R>, answer: Answer<R>): WholeAnswer {
  const { spec, standards, given, form } = presentation;
  const tag = tagOf(answer, standards);
  const headers = tag === undefined ? {} : { etag: tag };
  if (standards.conditions === 'read') {
    if (given.ifMatch !== undefined && !isMatch(given.ifMatch, tag)) throw new Problem('precondition_failed');
    if (given.ifNoneMatch !== undefined && !isNoneMatch(given.ifNoneMatch, tag))
      return { status: 304, body: undefined, headers };
  }
  return { status: answer.status, body: toBody(spec, answer, form), headers };
}

/** Of the resource that the answer shows, or that it is about. */
function tagOf<R extends Replies>(answer: Answer<R>, { answersResource }: Standards): string | undefined {
  const { resource, data } = answer;
  if (resource !== undefined) return toEntityTag(resource);
  return answersResource && answer.status < 300 && isObject(data) ? toEntityTag(data) : undefined;
}

function toBody<R extends Replies>(spec: Presentation<R>['spec'], answer: Answer<R>, form: Form): unknown {
  if (form === 'compact' && spec.compact !== undefined) return spec.compact.present(answer);
  if (spec.isBare === true) return answer.data;
  return { success: answer.status < 400, data: answer.data, ...(answer.meta !== undefined && { meta: answer.meta }) };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function toWhole(outcome: WholeAnswer | StreamedAnswer): WholeAnswer {
  if ('chunks' in outcome) throw new Error('a repeatable call cannot stream its answer');
  return outcome;
}

function pick(headers: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.filter((name) => headers[name] !== undefined).map((name) => [name, headers[name]]));
}
