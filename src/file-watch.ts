// Tells when files have changed, by looking at them: on file systems that report nothing, and through the links of mounted secrets.

import { statSync } from 'node:fs';

const POLL_MS = 2000;

export interface FileWatch {
  stop(): void;
}

export function watchFiles(files: readonly string[], onChange: () => void): FileWatch {
  let seen = signatureOf(files);
  const timer = setInterval(() => {
    const now = signatureOf(files);
    if (now === seen) return;
    seen = now;
    onChange();
  }, POLL_MS).unref();
  return { stop: () => clearInterval(timer) };
}

/** Changes whenever a file does. */
function signatureOf(files: readonly string[]): string {
  return files
    .map((file) => {
      const stat = statSync(file, { throwIfNoEntry: false, bigint: true });
      return stat === undefined ? file : `${file} ${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`;
    })
    .join('\n');
}
