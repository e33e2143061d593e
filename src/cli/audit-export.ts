// `tollgate audit export`: the log as it is sent, into a file or to standard output; no more of it in memory than is on its way.

import { createWriteStream, existsSync, renameSync, rmSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { textOf, type ProgramRun } from './command.ts';
import { EXIT_CODES, Failure } from './failure.ts';
import { remark } from './world.ts';

export async function exportAudit({ world, values, query, client }: ProgramRun): Promise<number> {
  const output = textOf(values, 'output');
  if (output !== undefined && existsSync(output))
    throw new Failure('usage', [`--output: ${output} is there already, and is not overwritten`]);
  const lines = await client().stream({ method: 'GET', path: '/audit-logs/export', query });
  if (output === undefined) await pipeline(Readable.from(lines), world.stdout, { end: false });
  else {
    await writeWhole(lines, output);
    remark(world, `written: ${output}`);
  }
  return EXIT_CODES.ok.code;
}

/** Under its name only when it is complete. */
async function writeWhole(lines: AsyncIterable<Uint8Array>, output: string): Promise<void> {
  const draft = `${output}.part`;
  try {
    await pipeline(Readable.from(lines), createWriteStream(draft, { mode: 0o600 }));
    renameSync(draft, output);
  } catch (cause) {
    rmSync(draft, { force: true });
    if (cause instanceof Failure) throw cause;
    throw new Failure('refused', [
      `${output} cannot be written (${cause instanceof Error ? cause.message : 'unknown reason'})`,
    ]);
  }
}
