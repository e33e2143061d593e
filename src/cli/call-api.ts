// A command that is one call of the API: its values become the request, and the answer is shown.

import { readFileSync, statSync } from 'node:fs';
import type { Answer, Client, Request } from './client.ts';
import { textOf, type Call, type Command, type Option, type Values } from './command.ts';
import { Failure } from './failure.ts';
import { parseObject } from './parse-arguments.ts';
import { toFields, toMembers, toTable } from './show.ts';
import { remark, say, type World } from './world.ts';

/** With `--all`; more is what cursors and exports are for. */
const MAX_ALL = 10_000;
const MAX_BODY_BYTES = 1_048_576;
const PAGE_SIZE = '100';

export interface ApiCommand {
  readonly command: Command;
  readonly call: Call;
  readonly values: Values;
}

export async function callApi(one: ApiCommand, client: Client, world: World): Promise<void> {
  const { call, values } = one;
  const request = toRequest(one);
  if (call.show.as !== 'table' || values.options.get('all') !== true) {
    const answer = await client.call(request);
    show(one, answer, world);
    if (call.show.as === 'table') tellRest(answer, world);
    return;
  }
  const rows: unknown[] = [];
  let cursor: string | undefined;
  do {
    const query = { ...request.query, limit: PAGE_SIZE, ...(cursor !== undefined && { cursor }) };
    const page = await client.call({ ...request, query });
    rows.push(...toRows(page.data));
    cursor = page.nextCursor;
  } while (cursor !== undefined && rows.length < MAX_ALL);
  show(one, { data: rows, nextCursor: cursor, total: undefined }, world);
  if (cursor !== undefined) remark(world, `these are the first ${MAX_ALL}; more: --cursor ${cursor}`);
}

/** Pure but for the file that `--data` names. */
function toRequest({ command, call, values }: ApiCommand): Request {
  const path = call.path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => encodeURIComponent(values.args[name] ?? ''));
  if (call.method === 'GET') return { method: call.method, path, query: toQuery(command, values) };
  const body = toBody(command.options ?? [], values);
  const isEmpty = Object.keys(body).length === 0 && call.body === undefined;
  if (call.method === 'PUT' && isEmpty) throw new Failure('usage', ['nothing to change: name at least one option']);
  // POST and PUT have a body always, DELETE never.
  return { method: call.method, path, ...(call.method !== 'DELETE' && { body: { ...body, ...call.body } }) };
}

/** The options that have a field. */
export function toQuery({ options = [] }: Command, values: Values): Record<string, string> {
  return Object.fromEntries(
    options.flatMap((option) => {
      const value = values.options.get(option.name);
      return 'field' in option && value !== undefined ? [[option.field, toWord(value)] as const] : [];
    }),
  );
}

function toWord(value: unknown): string {
  if (Array.isArray(value)) return value.join(',');
  return typeof value === 'number' || typeof value === 'string' ? String(value) : JSON.stringify(value);
}

/** What the options say, as the body of a call. */
export function toBody(options: readonly Option[], values: Values): Record<string, unknown> {
  const file = options.find(({ type }) => type === 'body');
  const body: Record<string, unknown> = file === undefined ? {} : { ...readBody(textOf(values, file.name)) };
  for (const option of options) {
    const value = values.options.get(option.name);
    if (value === undefined) continue;
    if ('field' in option) put(body, option.field, value);
    else if (option.type === 'clear' && Array.isArray(value))
      for (const name of value) put(body, option.fields[String(name)] ?? '', null);
  }
  return body;
}

/** `rateLimit.requestsPerDay` → one object in the other. */
function put(body: Record<string, unknown>, field: string, value: unknown): void {
  const [first = '', ...rest] = field.split('.');
  if (rest.length === 0) {
    body[first] = value;
    return;
  }
  const before = body[first];
  const inner: Record<string, unknown> = typeof before === 'object' && before !== null ? { ...before } : {};
  put(inner, rest.join('.'), value);
  body[first] = inner;
}

function readBody(file: string | undefined): Readonly<Record<string, unknown>> {
  if (file === undefined) return {};
  const text = readText(file);
  const body = parseObject(text);
  if (body === undefined) throw new Failure('usage', [`--data: ${file} does not hold a JSON object`]);
  return body;
}

function readText(file: string): string {
  try {
    if (statSync(file).size > MAX_BODY_BYTES) throw new Failure('usage', [`--data: ${file} is longer than 1 MiB`]);
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure('usage', [`--data: ${file} cannot be read`]);
  }
}

function show({ call, values }: ApiCommand, { data }: Answer, world: World): void {
  if (values.isJson) return say(world, JSON.stringify(data, null, 2));
  switch (call.show.as) {
    case 'table': {
      const { membersOf } = call.show;
      const rows = membersOf === undefined ? toRows(data) : toMembers(data, membersOf);
      if (rows.length === 0) return remark(world, 'nothing found');
      for (const line of toTable(rows, call.show.columns)) say(world, line);
      return;
    }
    case 'fields':
      for (const line of toFields(data, call.show)) say(world, line);
      return;
    case 'sentence':
      say(
        world,
        call.show.text.replaceAll(/\{(\w+)\}/g, (_all, name: string) => values.args[name] ?? ''),
      );
  }
}

function toRows(data: unknown): readonly unknown[] {
  return Array.isArray(data) ? data : [];
}

function tellRest({ data, nextCursor, total }: Answer, world: World): void {
  if (nextCursor === undefined || !Array.isArray(data)) return;
  remark(world, `${data.length} of ${total ?? 'more'}; the next: --cursor ${nextCursor}, all of them: --all`);
}
