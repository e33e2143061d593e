// Changes of a message's fields that a service asks for: what is left out, and what is put there.

import type { TemplateName, TemplatePart } from '../../lib/field-template.ts';
import { parseTemplate, toFieldKey } from '../../lib/field-template.ts';
import type { Exchange } from '../exchange.ts';
import type { Plan } from '../plan.ts';
import { Fields } from '../wire/fields.ts';

export interface FieldChangesConfig {
  /** Names of fields that do not pass. */
  readonly drop: readonly string[];
  /** What comes beside the others; values as in lib/field-template.ts. One that comes to nothing is left out. */
  readonly put: readonly { readonly name: string; readonly value: string }[];
}

export interface FieldChanges {
  /** What is left of the fields; the same ones where nothing is dropped. */
  dropFrom(fields: Fields): Fields;
  /** What is put there, as lines that each end with CRLF. */
  linesOf(exchange: Exchange, plan: Plan): string;
}

/** `fixed` goes in front of what is put, as it is. */
export function compileFieldChanges({ drop, put }: FieldChangesConfig, fixed = ''): FieldChanges {
  const dropped = new Set(drop.map(toFieldKey));
  const lines = put.map(({ name, value }) => ({ start: `${name.toLowerCase()}: `, parts: toParts(value) }));
  return {
    dropFrom: (fields) => withoutNames(fields, dropped),
    linesOf(exchange, plan) {
      let text = fixed;
      for (const { start, parts } of lines) {
        const value = fill(parts, exchange, plan);
        if (value !== '') text += `${start}${value}\r\n`;
      }
      return text;
    },
  };
}

function withoutNames(fields: Fields, names: ReadonlySet<string>): Fields {
  if (names.size === 0) return fields;
  const kept: string[] = [];
  for (let i = 0; i < fields.length; i++) {
    const name = fields.name(i);
    if (!names.has(toFieldKey(name))) kept.push(name, fields.value(i));
  }
  return kept.length === fields.length * 2 ? fields : Fields.of(kept);
}

function toParts(value: string): readonly TemplatePart[] {
  const parts = parseTemplate(value);
  if (typeof parts === 'string') throw new Error('an unchecked snapshot was compiled');
  return parts;
}

/** What cannot stand in a field's value. */
const UNFIT = /[^\x20-\x7e]/;

function fill(parts: readonly TemplatePart[], exchange: Exchange, plan: Plan): string {
  let text = '';
  for (const part of parts) text += 'text' in part ? part.text : (valueOf(part.name, exchange, plan) ?? '');
  return UNFIT.test(text) ? '' : text.trim();
}

function valueOf(name: TemplateName, exchange: Exchange, plan: Plan): string | undefined {
  switch (name) {
    case 'requestId':
      return exchange.correlationId;
    case 'tenantId':
      return plan.tenantId;
    case 'gatewayId':
      return plan.gatewayId;
    case 'endpointId':
      return plan.endpointId;
    case 'clientId':
      return exchange.principal?.clientId;
    case 'keyId':
      return exchange.principal?.keyId;
    case 'clientAddress':
      return exchange.clientAddress;
    case 'method':
      return exchange.method;
    case 'path':
      return exchange.path;
    case 'host':
      return exchange.host;
    case 'scheme':
      return exchange.origin.scheme;
  }
}
