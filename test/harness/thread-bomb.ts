// Preloaded into a Tollgate under test: the first gateway thread throws shortly after it was born, its successors live.

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

const mark = join(process.env['TOLLGATE_DATA_DIR'] ?? '.', 'bomb-went-off');

if (!isMainThread && !existsSync(mark)) {
  setTimeout(() => {
    writeFileSync(mark, '');
    throw new Error('the bomb went off');
  }, 1000).unref();
}
