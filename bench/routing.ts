// `npm run bench:routing`: what finding a route costs, what deploying many of them costs and what requests feel of it, whether memory stays
// flat over many deploys, and what a dead target costs.

import { untilSignalled } from '../scripts/until-signalled.ts';
import { openNotebook } from './figures.ts';
import { measureCompiling, measureDeploys } from './routing-deploys.ts';
import { measureFailover } from './routing-failover.ts';
import { measureLookUps } from './routing-lookups.ts';
import { measureSwaps } from './routing-swaps.ts';
import { openStage } from './stage.ts';
import { findTools } from './tools.ts';
import { takeTurn } from './turn.ts';
import { startUpstream } from './upstream.ts';

const LOAD_CORE = 1;

await untilSignalled(async (signal) => {
  const { tools, absences } = findTools(process.env);
  for (const absence of absences) console.log(absence);
  if (tools === undefined) return 2;
  const giveBack = await takeTurn(signal);
  const stage = await openStage(signal);
  const notebook = openNotebook('routing');
  try {
    notebook.add(...measureLookUps());
    notebook.add(await measureCompiling(), await measureDeploys());
    notebook.add(...(await measureFailover(stage)));
    const upstream = await startUpstream(stage, { nginx: tools.nginx, core: LOAD_CORE });
    notebook.add(...(await measureSwaps({ stage, upstream })));
    notebook.close();
    return 0;
  } finally {
    await stage.close();
    giveBack();
  }
});
