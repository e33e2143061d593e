// The setup as requests and answers write it.

import { Type } from 'typebox';
import { closed, optional, text } from '../schema-parts.ts';

export const SetupRequest = closed({
  name: text(200, 'The name of the first operator.'),
  email: text(254, 'The e-mail address of the first operator.', { format: 'email' }),
});

export const SetupHeaders = closed({
  'x-setup-token': optional(
    Type.String({ maxLength: 500, description: 'Printed at the start of Tollgate; needed from other machines.' }),
  ),
});

export const SetupAnswer = closed({
  id: Type.String({ description: '`usr_…`' }),
  name: Type.String(),
  email: Type.String(),
  role: Type.String(),
  apiKey: Type.String({ description: 'The key of the first operator. Shown this once; nobody can look it up later.' }),
  key: Type.String({ description: 'The same as apiKey.' }),
  keyId: Type.String({ description: '`key_…`' }),
});
