// The description of this API, for programs and people.

import { Type } from 'typebox';
import { publicOperation, type Operation } from '../operation.ts';

const describe = publicOperation({
  id: 'getOpenApi',
  method: 'GET',
  path: '/openapi.json',
  summary: 'This API, as OpenAPI 3.1',
  tag: 'Description',
  isBare: true,
  replies: { 200: Type.Object({ openapi: Type.String() }, { description: 'An OpenAPI document.' }) },
  async handle(_input, { services }) {
    return { status: 200, data: { openapi: '3.1.0', ...services.openapi } };
  },
});

export const DESCRIPTION_OPERATIONS: readonly Operation[] = [describe];
