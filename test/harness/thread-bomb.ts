// Preloaded into a Tollgate under test: the first gateway thread throws shortly after it began to work, its successors live.

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread, parentPort } from 'node:worker_threads';

const FUSE_MS = 500;
const mark = join(process.env['TOLLGATE_DATA_DIR'] ?? '.', 'bomb-went-off');

if (!isMainThread && !existsSync(mark)) {
  parentPort?.once('message', () => {
    setTimeout(() => {
      if (existsSync(mark)) return;
      writeFileSync(mark, '');
      throw new Error('the bomb went off');
    }, FUSE_MS);
  });
}
