// Who is calling, as the gateway tells it: the header `tollgate-context`, base64url of JSON.

import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import type { Principal } from '../gateway/ports.ts';
import { limitSchema } from '../lib/limit-schema.ts';

const closed = { additionalProperties: false };

const CallerJson = Type.Object(
  {
    requestId: Type.String({ minLength: 1 }),
    address: Type.String(),
    forwarded: Type.Boolean(),
    principal: Type.Union([
      Type.Null(),
      Type.Object(
        {
          kind: Type.Union([Type.Literal('key'), Type.Literal('operator')]),
          tenantId: Type.String(),
          keyId: Type.String(),
          operatorId: Type.Optional(Type.Union([Type.String(), Type.Null()])),
          clientId: Type.Optional(Type.String()),
          name: Type.String(),
          scopes: Type.Array(Type.String()),
          limits: Type.Array(
            limitSchema({
              of: Type.Optional(Type.Union([Type.Literal('key'), Type.Literal('client'), Type.Literal('tenant')])),
            }),
          ),
        },
        closed,
      ),
    ]),
  },
  closed,
);

export interface Caller {
  readonly requestId: string;
  readonly clientAddress: string;
  /** The call came through a proxy: the address is not that of the machine at the other end. */
  readonly forwarded: boolean;
  /** Undefined for public operations called without credentials. */
  readonly principal: Principal | undefined;
}

/** The caller, or undefined when the text is anything but what the gateway writes. */
export function parseCaller(text: string): Caller | undefined {
  const json = parseJson(Buffer.from(text, 'base64url').toString('utf8'));
  if (!Value.Check(CallerJson, json)) return undefined;
  const { requestId, address, forwarded, principal } = json;
  return {
    requestId,
    clientAddress: address,
    forwarded,
    principal: principal === null ? undefined : toPrincipal(principal),
  };
}

/** Whether the call began on this very machine, with nothing in between that could have brought it from elsewhere. */
export function isLocal(caller: Caller): boolean {
  return !caller.forwarded && isLoopback(caller.clientAddress);
}

export function isLoopback(address: string): boolean {
  return /^(?:::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$|^::1$/i.test(address);
}

function toPrincipal(json: Exclude<Static<typeof CallerJson>['principal'], null>): Principal {
  return { ...json, operatorId: json.operatorId ?? undefined };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
