// Who may import whom. The table stands here as data; the import lines under src/ are held against it.

import assert from 'node:assert/strict';
import { basename, dirname, join, matchesGlob } from 'node:path';
import { describe, test } from 'node:test';
import { type ImportLine, listSources, parseImportLines, readImportLines } from './harness/import-lines.ts';

interface Room {
  /** A glob below src/. The first room that matches a file is the file's. */
  readonly files: string;
  /** Globs below src/. */
  readonly mayImport: readonly string[];
  /** By `import type` only. */
  readonly mayImportTypes?: readonly string[];
}

const TESTS = '**/*.{test,fixture,conformance}.ts';

const ROOMS: readonly Room[] = [
  // Tests and their material build what they need, from wherever it is.
  { files: TESTS, mayImport: ['**', '../test/**'] },
  // The composition root. Nothing imports it, since no room lists it.
  { files: 'main.ts', mayImport: ['**'] },
  { files: 'config.ts', mayImport: ['lib/**', 'limit-settings.ts'] },
  { files: 'limit-settings.ts', mayImport: ['lib/**'] },
  // Steps of the start, beside main.ts: together they are the composition root, and no room below lists them.
  { files: '*.ts', mayImport: ['!(main).ts', '*/**'] },
  { files: 'lib/**', mayImport: ['lib/**'] },
  { files: 'db/**', mayImport: ['db/**', 'lib/**'] },
  { files: 'limits/**', mayImport: ['limits/**', 'lib/**'] },
  { files: 'gateway/wire/**', mayImport: ['gateway/wire/**', 'lib/**'] },
  // The composition root of a gateway thread.
  { files: 'gateway/thread.ts', mayImport: ['gateway/**', 'limits/**', 'policies/index.ts', 'lib/**'] },
  { files: 'gateway/**', mayImport: ['gateway/**', 'lib/**'], mayImportTypes: ['limits/**'] },
  {
    files: 'policies/**',
    mayImport: [
      'policies/**',
      'gateway/policy.ts',
      'gateway/exchange.ts',
      'gateway/problem-reply.ts',
      'gateway/wire/field-kind.ts',
      'lib/**',
    ],
    mayImportTypes: ['gateway/ports.ts', 'limits/**'],
  },
  { files: 'jobs/**', mayImport: ['jobs/**', 'lib/**', 'db/**'] },
  {
    files: 'control/**',
    // Of the data plane, the two that are pure: what can be served, and what would become of a request.
    mayImport: [
      'control/**',
      'lib/**',
      'db/**',
      'jobs/**',
      'limits/**',
      'policies/index.ts',
      'policies/rate-limit-config.ts',
      'gateway/snapshot.ts',
      'gateway/explain.ts',
    ],
    mayImportTypes: ['gateway/ports.ts', 'gateway/policy.ts'],
  },
  // What a gateway without a database serves, in the form of the API and checked by its rules: docs/decisions/without-a-database.md.
  {
    files: 'declared/**',
    mayImport: [
      'declared/**',
      'lib/**',
      'policies/index.ts',
      'gateway/router.ts',
      'control/gateways/check-declaration.ts',
      'control/publish/status-policies.ts',
      'control/keys/schema.ts',
      'control/rate-limit.ts',
      'control/schema-parts.ts',
      'control/validation.ts',
    ],
    mayImportTypes: ['gateway/ports.ts', 'gateway/snapshot.ts', 'control/gateways/target-faults.ts'],
  },
  // Keys that another Tollgate keeps: what is asked of it, and how it is believed.
  {
    files: 'remote-keys/**',
    mayImport: ['remote-keys/**', 'lib/**', 'control/keys/verify-schema.ts', 'control/validation.ts'],
    mayImportTypes: ['gateway/ports.ts'],
  },
  // The composition root of a gateway in another program.
  {
    files: 'embedded/**',
    mayImport: ['embedded/**', 'declared/**', 'gateway/**', 'limits/**', 'policies/index.ts', 'lib/**'],
    mayImportTypes: ['control/gateways/declaration-schema.ts', 'control/gateways/target-faults.ts'],
  },
  {
    files: 'cli/**',
    mayImport: [
      'cli/**',
      'lib/**',
      'config.ts',
      'declared/key-file.ts',
      'declared/fault-error.ts',
      'declared/references.ts',
    ],
    mayImportTypes: ['control/*/schema.ts'],
  },
  // What a scrape tells of the threads, the limits and the process.
  {
    files: 'metrics/**',
    mayImport: ['metrics/**', 'gateway/request-count-cells.ts', 'lib/**'],
    mayImportTypes: ['gateway/supervision.ts', 'gateway/ports.ts', 'limits/**'],
  },
  { files: 'demo/**', mayImport: ['demo/**', 'lib/**'] },
];

interface Ban {
  readonly packages: readonly string[];
  /** Globs below src/: where the ban holds, and the exceptions. */
  readonly within: readonly string[];
  readonly except: readonly string[];
}

const BANS: readonly Ban[] = [
  // No object of theirs is seen outside the two folders that touch sockets.
  {
    packages: ['node:http', 'undici'],
    within: ['**'],
    except: ['gateway/edge/**', 'gateway/upstream/**', 'demo/**', TESTS],
  },
  // The data plane knows no database, no Fastify, no file system.
  {
    packages: ['fastify', 'kysely', 'pg', '@electric-sql/pglite', 'node:fs', 'node:fs/promises'],
    within: ['gateway/**', 'policies/**'],
    except: [TESTS],
  },
];

/** Names under which anything could be put, and is. */
const BAD_NAMES = new Set(['utils', 'helpers', 'common', 'manager', 'types']);

describe('the source tree', () => {
  const folder = join(import.meta.dirname, '..', 'src');
  const files = listSources(folder);
  const lines = readImportLines(folder, files);

  test('imports nothing but what the table allows', () => {
    assert.ok(lines.length > 0);
    assert.deepEqual(lines.flatMap(findFaults), []);
  });

  test('has no cycle of imports', () => {
    assert.deepEqual(findCycle(lines), []);
  });

  test('has no file or folder under whose name anything could be put', () => {
    assert.deepEqual(files.filter(hasBadName), []);
  });
});

describe('a gateway in another program', () => {
  const folder = join(import.meta.dirname, '..', 'src');
  const loaded = findLoaded('embedded/index.ts', readImportLines(folder, listSources(folder)));

  for (const name of ['pg', '@electric-sql/pglite', '@redis/client', 'fastify', 'pino', 'node:worker_threads']) {
    test(`never loads ${name}`, () => {
      assert.ok(loaded.has('gateway/data-plane.ts'));
      assert.ok(!loaded.has(name));
    });
  }
});

describe('the checker', () => {
  const faulty: readonly [string, string, 'value' | 'type'][] = [
    ['lib/id.ts', 'db/schema.ts', 'type'],
    ['config.ts', 'db/open.ts', 'value'],
    ['cli/start.ts', 'main.ts', 'value'],
    ['claim-port.ts', 'main.ts', 'value'],
    ['gateway/wire/head.ts', 'gateway/exchange.ts', 'type'],
    ['gateway/run.ts', 'limits/limiter.ts', 'value'],
    ['gateway/run.ts', 'policies/index.ts', 'value'],
    ['gateway/run.ts', 'control/keys/store.ts', 'type'],
    ['gateway/run.ts', 'node:fs/promises', 'value'],
    ['gateway/run.ts', 'undici', 'type'],
    ['policies/api-key.ts', 'gateway/run.ts', 'value'],
    ['policies/api-key.ts', 'gateway/ports.ts', 'value'],
    ['policies/api-key.ts', 'kysely', 'type'],
    ['jobs/claim.ts', 'control/webhooks/jobs.ts', 'value'],
    ['control/server.ts', 'gateway/run.ts', 'type'],
    ['control/server.ts', 'node:http', 'value'],
    ['control/keys/routes.ts', 'control/gateways/routes.ts', 'value'],
    ['control/keys/routes.ts', 'control/gateways/rules.ts', 'type'],
    ['control/keys/routes.ts', 'secrets.ts', 'value'],
    ['cli/keys.ts', 'control/keys/schema.ts', 'value'],
    ['demo/echo.ts', 'config.ts', 'value'],
    ['embedded/index.ts', 'db/open.ts', 'value'],
    ['embedded/index.ts', 'control/server.ts', 'value'],
    ['declared/keys.ts', 'control/keys/store.ts', 'value'],
    ['cli/keys.ts', 'declared/load.ts', 'value'],
    ['metrics/scrape.ts', 'gateway/supervisor.ts', 'value'],
    ['attic/chest.ts', 'lib/id.ts', 'value'],
  ];
  for (const [from, to, kind] of faulty) {
    test(`refuses ${to} in ${from} (${kind})`, () => {
      assert.equal(findFaults({ from, to, isTypeOnly: kind === 'type' }).length, 1);
    });
  }

  const sound: readonly [string, string, 'value' | 'type'][] = [
    ['main.ts', 'control/server.ts', 'value'],
    ['gateway/run.ts', 'limits/limiter.ts', 'type'],
    ['gateway/thread.ts', 'policies/index.ts', 'value'],
    ['gateway/edge/http-server.ts', 'node:http', 'value'],
    ['control/server.ts', 'control/keys/routes.ts', 'value'],
    ['control/keys/routes.ts', 'control/keys/rules.ts', 'value'],
    ['control/keys/routes.ts', 'control/operation.ts', 'value'],
    ['control/keys/routes.ts', 'control/gateways/store.ts', 'value'],
    ['control/keys/routes.ts', 'control/audit/record.ts', 'value'],
    ['control/keys/routes.ts', 'control/events/emit.ts', 'value'],
    ['cli/keys.ts', 'control/keys/schema.ts', 'type'],
    ['gateway/run.test.ts', 'policies/api-key.ts', 'value'],
    ['db/open.test.ts', '../test/harness/database.ts', 'value'],
  ];
  for (const [from, to, kind] of sound) {
    test(`allows ${to} in ${from} (${kind})`, () => {
      assert.deepEqual(findFaults({ from, to, isTypeOnly: kind === 'type' }), []);
    });
  }

  test('finds a cycle of value imports and passes over one that types close', () => {
    const line = (from: string, to: string, isTypeOnly = false): ImportLine => ({ from, to, isTypeOnly });
    const chain = [line('a.ts', 'b.ts'), line('b.ts', 'c.ts'), line('d.ts', 'a.ts')];
    assert.deepEqual(findCycle([...chain, line('c.ts', 'a.ts')]), ['a.ts', 'b.ts', 'c.ts', 'a.ts']);
    assert.deepEqual(findCycle([...chain, line('c.ts', 'a.ts', true)]), []);
  });

  test('finds bad names', () => {
    assert.deepEqual(['lib/utils.ts', 'common/id.ts', 'db/types.test.ts', 'lib/id.ts'].map(hasBadName), [
      true,
      true,
      true,
      false,
    ]);
  });

  test('reads every form of import', () => {
    const source = `
import type { A } from './a.ts';
import { b, type B } from '../b.ts';
import {
  c,
} from 'c';
import d from 'd';
import * as e from 'e';
import f, { g } from 'f';
import './h.ts';
export type { I } from './i.ts';
export * from './j.ts';
export const from = 'nowhere';
// import { k } from 'k';
const l = await import('./l.ts');
`;
    const found = parseImportLines('room/file.ts', source).map(({ to, isTypeOnly }) =>
      isTypeOnly ? `type ${to}` : to,
    );
    assert.deepEqual(found.toSorted(), [
      'b.ts',
      'c',
      'd',
      'e',
      'f',
      'room/h.ts',
      'room/j.ts',
      'room/l.ts',
      'type room/a.ts',
      'type room/i.ts',
    ]);
  });
});

/** What is wrong with an import, as lines to read; at most one. */
function findFaults({ from, to, isTypeOnly }: ImportLine): string[] {
  const fault = `src/${from} may not import ${isTypeOnly ? 'types of ' : ''}${to}`;
  if (!to.endsWith('.ts')) return BANS.some((ban) => isBanned(ban, from, to)) ? [fault] : [];
  const room = ROOMS.find(({ files }) => matchesGlob(from, files));
  if (room === undefined) return [`src/${from} is in no room of the table`];
  const allowed = isTypeOnly ? [...room.mayImport, ...(room.mayImportTypes ?? [])] : room.mayImport;
  return allowed.some((glob) => matchesGlob(to, glob)) && !crossesResources(from, to) ? [] : [fault];
}

function isBanned({ packages, within, except }: Ban, from: string, to: string): boolean {
  const isIn = (globs: readonly string[]): boolean => globs.some((glob) => matchesGlob(from, glob));
  return packages.includes(to) && isIn(within) && !isIn(except);
}

/** A resource of the control plane knows another by its store and its schema only; every one records and announces its changes. */
function crossesResources(from: string, to: string): boolean {
  const [own, other] = [dirname(from), dirname(to)];
  const areResources = own.startsWith('control/') && other.startsWith('control/');
  const isDoor =
    ['store.ts', 'schema.ts'].includes(basename(to)) ||
    ['control/audit/record.ts', 'control/events/emit.ts', 'control/keys/announce.ts'].includes(to);
  return areResources && own !== other && !isDoor && !matchesGlob(from, TESTS);
}

/** The file and all that is loaded with it, packages by their names. */
function findLoaded(file: string, lines: readonly ImportLine[]): Set<string> {
  const loaded = new Set([file]);
  for (const from of loaded) {
    for (const line of lines) if (line.from === from && !line.isTypeOnly) loaded.add(line.to);
  }
  return loaded;
}

/** The files of one cycle of value imports, the first named again at its end; empty when there is none. */
function findCycle(lines: readonly ImportLine[]): string[] {
  const targets = Map.groupBy(
    lines.filter((line) => !line.isTypeOnly),
    (line) => line.from,
  );
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): string[] => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return [];
    for (const { to } of targets.get(file) ?? []) {
      const cycle = visit(to, [...path, file]);
      if (cycle.length > 0) return cycle;
    }
    done.add(file);
    return [];
  };
  for (const file of targets.keys()) {
    const cycle = visit(file, []);
    if (cycle.length > 0) return cycle;
  }
  return [];
}

function hasBadName(file: string): boolean {
  return file.split('/').some((part) => BAD_NAMES.has(part.replace(/\..*$/, '')));
}
