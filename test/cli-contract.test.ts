// The commands of the program and the operations of the API fit together: a command calls what is there, and sends what it takes.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TObject } from 'typebox';
import type { Call, Command } from '../src/cli/command.ts';
import { GROUPS } from '../src/cli/groups/index.ts';
import { SINGLE_COMMANDS } from '../src/cli/run.ts';
import { OPERATIONS } from '../src/control/operations.ts';
import type { Operation } from '../src/control/operation.ts';

const COMMANDS = [
  ...GROUPS.flatMap((group) => group.commands.map((command) => ({ path: `${group.name} ${command.name}`, command }))),
  ...SINGLE_COMMANDS.map((command) => ({ path: command.name, command })),
];

function callsOf({ does }: Command): string[] {
  return does.kind === 'call' ? [`${does.method} ${does.path}`] : [...does.calls];
}

function find(call: string): Operation | undefined {
  const wanted = bare(call);
  return OPERATIONS.find(({ method, path }) => bare(`${method} ${path}`) === wanted);
}

/** Parameters may be named differently. */
function bare(call: string): string {
  return call.replaceAll(/\{\w+\}/g, '{}');
}

/** Fields that the command can send, the dots in them leading into objects. */
function fieldsOf(command: Command, call: Call | undefined): string[] {
  const options = (command.options ?? []).flatMap((option) => {
    if ('field' in option) return [option.field];
    return option.type === 'clear' ? Object.values(option.fields) : [];
  });
  return [...options, ...Object.keys(call?.body ?? {})];
}

function hasField(schema: TObject, field: string): boolean {
  const [first = '', ...rest] = field.split('.');
  const property: unknown = schema.properties[first];
  if (property === undefined) return false;
  if (rest.length === 0) return true;
  return isObjectSchema(property) && hasField(property, rest.join('.'));
}

function isObjectSchema(schema: unknown): schema is TObject {
  return typeof schema === 'object' && schema !== null && 'properties' in schema;
}

describe('every command', () => {
  for (const { path, command } of COMMANDS) {
    test(`calls operations that are there, with fields that they take: ${path}`, () => {
      for (const call of callsOf(command)) {
        const operation = find(call);
        assert.ok(operation !== undefined, `${call} is no operation`);
        const schema = operation.method === 'GET' ? operation.query : operation.body;
        const sent = fieldsOf(command, command.does.kind === 'call' ? command.does : undefined);
        const unknown = sent.filter((field) => schema === undefined || !hasField(schema, field));
        assert.deepEqual(unknown, [], call);
        const parameters = [...operation.path.matchAll(/\{/g)].length;
        if (command.does.kind === 'call') assert.equal((command.args ?? []).length, parameters);
      }
    });
  }

  test('that makes something asks for all that is required', () => {
    for (const { path, command } of COMMANDS) {
      if (command.does.kind !== 'call' || command.does.method !== 'POST') continue;
      const operation = find(`POST ${command.does.path}`);
      const required = operation?.body?.required ?? [];
      const asked = new Set(
        (command.options ?? []).flatMap((option) =>
          option.isRequired === true && 'field' in option ? [option.field] : [],
        ),
      );
      for (const field of required) assert.ok(asked.has(field), `${path} must ask for ${field}`);
    }
  });
});
