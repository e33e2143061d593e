// What was served last, in the data directory: a node starts from it when its database is away. Keys are never in it.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isSnapshot, type GatewayConfig, type SnapshotConfig } from './gateway/snapshot.ts';

const NAME = 'last-good-snapshot.json';
const MAX_BYTES = 512 * 1024 * 1024;

export interface SnapshotFile {
  /** The gateways of the snapshot that was kept last; undefined when there is none, or none that can be trusted. */
  load(): GatewayConfig[] | undefined;
  /** Begins to keep it; of several, the newest. */
  save(snapshot: SnapshotConfig): void;
  /** Resolves when all that was to be kept is on the disk. */
  flush(): Promise<void>;
}

export interface SnapshotFileOptions {
  readonly dataDir: string;
  /** Proves that the file is of this installation, and as it was written. */
  readonly hmacSecret: string;
  /** The one before it, under which the file may still be. */
  readonly previousHmacSecret?: string | undefined;
  readonly onError: (cause: unknown) => void;
}

export function createSnapshotFile(options: SnapshotFileOptions): SnapshotFile {
  const { dataDir, hmacSecret, previousHmacSecret, onError } = options;
  const file = join(dataDir, NAME);
  const secrets = [hmacSecret, previousHmacSecret].filter((secret) => secret !== undefined);
  let waiting: SnapshotConfig | undefined;
  let writing: Promise<void> | undefined;

  async function work(): Promise<void> {
    while (waiting !== undefined) {
      const snapshot = waiting;
      waiting = undefined;
      try {
        await writePrivate(file, toText(snapshot, hmacSecret));
      } catch (cause) {
        onError(cause);
      }
    }
    writing = undefined;
  }

  return {
    load() {
      try {
        return parse(readFileSync(file), secrets);
      } catch (cause) {
        if (!(cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')) onError(cause);
        return undefined;
      }
    },
    save(snapshot) {
      if (waiting !== undefined && waiting.version > snapshot.version) return;
      waiting = snapshot;
      writing ??= work();
    },
    flush: async () => writing,
  };
}

/** A line with the proof, and what it proves. The management API is of the program, not of the file. */
function toText({ version, gateways }: SnapshotConfig, hmacSecret: string): string {
  const body = JSON.stringify({ version, gateways: gateways.filter(({ id }) => id !== null) });
  return `${prove(body, hmacSecret).toString('hex')}\n${body}`;
}

function parse(bytes: Buffer, secrets: readonly string[]): GatewayConfig[] {
  if (bytes.length > MAX_BYTES) throw new Error(`the last good snapshot has more than ${MAX_BYTES} bytes`);
  const line = bytes.indexOf('\n');
  const body = bytes.subarray(line + 1);
  const told = Buffer.from(bytes.subarray(0, Math.max(line, 0)).toString('latin1'), 'hex');
  if (!secrets.some((secret) => isSame(told, prove(body, secret)))) {
    throw new Error('the last good snapshot is damaged, or of another installation');
  }
  const snapshot: unknown = JSON.parse(body.toString('utf8'));
  if (!isSnapshot(snapshot))
    throw new Error('the last good snapshot is of a program that this one does not understand');
  return snapshot.gateways;
}

function prove(body: string | Buffer, hmacSecret: string): Buffer {
  return createHmac('sha256', hmacSecret).update('tollgate snapshot\n').update(body).digest();
}

function isSame(told: Buffer, made: Buffer): boolean {
  return told.length === made.length && timingSafeEqual(told, made);
}

/** All or nothing, readable by the owner only, on disk before it takes the place of the one before. */
async function writePrivate(file: string, text: string): Promise<void> {
  const draft = `${file}.new`;
  const handle = await open(draft, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
  const folder = await open(dirname(file), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
