// `npm run bench:keys`: what keys cost. Authentication from memory and memory itself in this process; the look-up, the flood of wrong keys
// and `POST /validate` on a PostgreSQL with a million keys; making keys through a whole Tollgate on it.

import { join } from 'node:path';
import { untilSignalled } from '../scripts/until-signalled.ts';
import { startPostgres } from '../test/harness/postgres.ts';
import { openSandbox } from '../test/harness/sandbox.ts';
import { openNotebook } from './figures.ts';
import { measureCached, measurePrincipals } from './keys-cached.ts';
import { measureCreation } from './keys-creation.ts';
import { measureFlood } from './keys-flood.ts';
import { fillKeys, measureLookups, openFilled } from './keys-store.ts';
import { measureValidation } from './keys-validation.ts';
import { openStage } from './stage.ts';
import { takeTurn } from './turn.ts';

const KEYS = 1_000_000;

await untilSignalled(async (signal) => {
  const giveBack = await takeTurn(signal);
  const stage = await openStage(signal);
  const sandbox = await openSandbox();
  const notebook = openNotebook('keys');
  try {
    notebook.add(await measureCached(), await measurePrincipals());
    const databaseUrl = await startPostgres(sandbox, process.env, 'durable');
    const database = await openFilled(databaseUrl);
    try {
      console.log(`filling PostgreSQL with ${KEYS} keys …`);
      await fillKeys(databaseUrl, KEYS);
      notebook.add(...(await measureLookups(database, KEYS, notebook)));
      notebook.add(...(await measureFlood(database, notebook)));
      notebook.add(await measureValidation(database));
    } finally {
      await database.close();
    }
    notebook.add(...(await measureCreation(stage, { dataDir: join(stage.folder, 'data'), databaseUrl })));
    notebook.close();
    return 0;
  } finally {
    await sandbox.close();
    await stage.close();
    giveBack();
  }
});
