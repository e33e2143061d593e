// Adds to package-lock.json what npm leaves out when a registry does not offer every platform's build of a native package:
// `npm ci` then refuses the lock file, on every platform. Run it after `npm install`, when test/lock-file.test.ts says so.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseLock, toCompleteLock } from './lock-file.ts';

const file = join(import.meta.dirname, '..', 'package-lock.json');
writeFileSync(file, `${JSON.stringify(toCompleteLock(parseLock(readFileSync(file, 'utf8'))), null, 2)}\n`);
