import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  type LoadedSettings,
  loadSettings,
  type Settings,
  SETTINGS,
  SettingsError,
  settingNames,
  showSetting,
} from './config.ts';

let folder = '';
const home = process.cwd();

/** The file of that name is looked for where the process stands. */
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-config-'));
  process.chdir(folder);
});

after(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true });
});

/** Loads from a file with this text, if any, and this environment. */
function load(env: Readonly<Record<string, string | undefined>>, file?: string): LoadedSettings {
  if (file === undefined) return loadSettings(env);
  writeFileSync('given.yaml', file);
  return loadSettings({ TOLLGATE_CONFIG: 'given.yaml', ...env });
}

function faultsOf(env: Readonly<Record<string, string | undefined>>, file?: string): readonly string[] {
  try {
    load(env, file);
  } catch (cause) {
    assert.ok(cause instanceof SettingsError);
    for (const fault of cause.faults) assert.doesNotMatch(fault, /[\r\n]/, 'a fault is one line');
    assert.equal(cause.message, cause.faults.join('\n'));
    return cause.faults;
  }
  return [];
}

describe('settings', () => {
  test('have their defaults when nothing is given', () => {
    const { settings, sources } = load({});
    for (const name of settingNames()) {
      assert.equal(settings[name], SETTINGS[name].default);
      assert.equal(sources[name], 'default');
    }
    assert.deepEqual(
      [settings.PORT, settings.HOST, settings.DATABASE_URL, settings.KEY_PREFIX],
      [8080, '0.0.0.0', undefined, 'tg_live'],
    );
  });

  test('come from the file, and from the environment before it', () => {
    const { settings, sources } = load({ TOLLGATE_PORT: '2' }, 'port: 1\nhost: "127.0.0.1"\ndemo: false\n');
    assert.deepEqual([settings.PORT, settings.HOST, settings.DEMO], [2, '127.0.0.1', false]);
    assert.deepEqual([sources.PORT, sources.HOST, sources.THREADS], ['environment', 'file', 'default']);
  });

  test('come from tollgate.yaml when no file is named', () => {
    writeFileSync('tollgate.yaml', 'port: 1234\n');
    assert.equal(load({}).settings.PORT, 1234);
    rmSync('tollgate.yaml');
    assert.equal(load({}).settings.PORT, 8080);
  });

  test('are not given by an empty variable', () => {
    const { settings, sources } = load({ TOLLGATE_PORT: '', TOLLGATE_DATABASE_URL: '', TOLLGATE_CONFIG: '' });
    assert.deepEqual([settings.PORT, settings.DATABASE_URL, sources.PORT], [8080, undefined, 'default']);
  });

  test('are what the file says where the variable is empty', () => {
    const { settings, sources } = load({ TOLLGATE_PORT: '' }, 'port: 1\n');
    assert.deepEqual([settings.PORT, sources.PORT], [1, 'file']);
  });

  test('may be an empty file, and one with comments only', () => {
    assert.deepEqual(faultsOf({}, ''), []);
    assert.deepEqual(faultsOf({}, '# port: 1\n'), []);
  });

  test('are read apart from variables of other programs', () => {
    assert.deepEqual(faultsOf({ PORT: 'x', TOLLGATEPORT: 'x', tollgate_port: 'x', PATH: '/bin' }), []);
  });

  test('are read apart from what commands that call the API go by', () => {
    const { settings } = load({ TOLLGATE_URL: 'http://x', TOLLGATE_API_KEY: 'k', TOLLGATE_PROFILE: 'p' });
    assert.equal(settings.PORT, 8080);
  });

  test('are frozen', () => {
    const loaded = load({});
    for (const part of [loaded, loaded.settings, loaded.sources]) assert.ok(Object.isFrozen(part));
  });
});

test('several values are separated by commas', () => {
  const { settings } = load({ TOLLGATE_TRUSTED_PROXIES: '10.0.0.0/8, 192.0.2.7 ,fd00::/8' });
  assert.deepEqual(settings.TRUSTED_PROXIES, ['10.0.0.0/8', '192.0.2.7', 'fd00::/8']);
  assert.equal(showSetting('TRUSTED_PROXIES', settings.TRUSTED_PROXIES), '10.0.0.0/8,192.0.2.7,fd00::/8');
  assert.deepEqual(load({}).settings.TRUSTED_PROXIES, []);
});

describe('a fault', () => {
  const values: readonly [variable: string, value: string, fault: string][] = [
    ['PORT', '65536', '"65536" must be integer, 0 to 65535'],
    ['PORT', '-1', '"-1" must be integer, 0 to 65535'],
    ['PORT', '80.5', '"80.5" must be integer, 0 to 65535'],
    ['PORT', '0x50', '"0x50" must be integer, 0 to 65535'],
    ['PORT', '1e3', '"1e3" must be integer, 0 to 65535'],
    ['PORT', ' 80', '" 80" must be integer, 0 to 65535'],
    ['PORT', 'http', '"http" must be integer, 0 to 65535'],
    ['PORT', '80\n81', '"80\\n81" must be integer, 0 to 65535'],
    ['HOST', 'my host', '"my host" must be address'],
    ['THREADS', '0', '"0" must be integer, 1 to 256'],
    ['DEMO', 'yes', '"yes" must be true or false'],
    ['DEMO', 'TRUE', '"TRUE" must be true or false'],
    ['LOG_LEVEL', 'loud', '"loud" must be one of trace, debug, info, warn, error, fatal, silent'],
    ['KEY_PREFIX', 'TG', '"TG" must be lower-case letters, digits, _'],
    ['KEY_PREFIX', 'tg_', '"tg_" must be lower-case letters, digits, _'],
    ['KEY_PREFIX', '1tg', '"1tg" must be lower-case letters, digits, _'],
    ['DATABASE_URL', 'mysql://user:hunter2@h/db', 'the value must be postgres:// URL'],
    ['REDIS_URL', 'hunter2', 'the value must be redis:// URL'],
    ...['10.0.0.0/8,', '10.0.0.0/33', 'localhost', '10.0.0.1 10.0.0.2', '10.0.0.1\n10.0.0.2', '*'].map(
      (value): [string, string, string] => [
        'TRUSTED_PROXIES',
        value,
        `${JSON.stringify(value)} must be addresses and CIDR ranges, separated by commas`,
      ],
    ),
    ['HMAC_SECRET', 'hunter2', 'the value must be at least 32 characters'],
    ['ENCRYPTION_KEY', 'hunter2', 'the value must be 64 hexadecimal digits'],
    ['ENCRYPTION_KEY', `${'a'.repeat(63)}g`, 'the value must be 64 hexadecimal digits'],
  ];
  for (const [name, value, fault] of values) {
    test(`names the variable and what it must be: ${name} ${JSON.stringify(value)}`, () => {
      assert.deepEqual(faultsOf({ [`TOLLGATE_${name}`]: value }), [`TOLLGATE_${name}: ${fault}`]);
    });
  }

  test('names the line of the file', () => {
    assert.deepEqual(faultsOf({}, 'port: no\n'), ['PORT (given.yaml): "no" must be integer, 0 to 65535']);
    assert.deepEqual(faultsOf({}, 'port: [1]\n'), ['PORT (given.yaml): must be a plain value']);
    assert.deepEqual(faultsOf({}, 'port:\n'), ['PORT (given.yaml): must be a plain value']);
  });

  const unknown: readonly [env: Readonly<Record<string, string>>, file: string | undefined, fault: string][] = [
    [{ TOLLGATE_PROT: '1' }, undefined, 'TOLLGATE_PROT: there is no such setting; did you mean TOLLGATE_PORT?'],
    [
      { TOLLGATE_DATABASEURL: 'x' },
      undefined,
      'TOLLGATE_DATABASEURL: there is no such setting; did you mean TOLLGATE_DATABASE_URL?',
    ],
    [{ TOLLGATE_port: '1' }, undefined, 'TOLLGATE_port: there is no such setting; did you mean TOLLGATE_PORT?'],
    [
      { TOLLGATE_SOMETHING_ELSE: '1' },
      undefined,
      'TOLLGATE_SOMETHING_ELSE: there is no such setting; `tollgate config` lists them',
    ],
    [
      { TOLLGATE_SOMETHING_ELSE: '' },
      undefined,
      'TOLLGATE_SOMETHING_ELSE: there is no such setting; `tollgate config` lists them',
    ],
    [
      { TOLLGATE_toString: '1' },
      undefined,
      'TOLLGATE_toString: there is no such setting; `tollgate config` lists them',
    ],
    [{}, 'prot: 1\n', 'given.yaml: prot: there is no such setting; did you mean port?'],
    [{}, 'PORT: 1\n', 'given.yaml: PORT: there is no such setting; did you mean port?'],
    [{}, 'tollgate_port: 1\n', 'given.yaml: tollgate_port: there is no such setting; `tollgate config` lists them'],
    [{}, 'constructor: 1\n', 'given.yaml: constructor: there is no such setting; `tollgate config` lists them'],
  ];
  for (const [env, file, fault] of unknown) {
    test(`suggests what was meant by ${Object.keys(env)[0] ?? file?.trim()}`, () => {
      assert.deepEqual(faultsOf(env, file), [fault]);
    });
  }

  test('does not keep the others from being told', () => {
    const env = { TOLLGATE_THREADS: '0', TOLLGATE_HMAC_SECRET: 'short', TOLLGATE_LOGLEVEL: 'info' };
    assert.deepEqual(faultsOf(env, 'port: no\nhots: h\ndemo: {}\n'), [
      'given.yaml: hots: there is no such setting; did you mean host?',
      'DEMO (given.yaml): must be a plain value',
      'TOLLGATE_LOGLEVEL: there is no such setting; did you mean TOLLGATE_LOG_LEVEL?',
      'PORT (given.yaml): "no" must be integer, 0 to 65535',
      'TOLLGATE_THREADS: "0" must be integer, 1 to 256',
      'TOLLGATE_HMAC_SECRET: the value must be at least 32 characters',
    ]);
  });

  test('of the file is told: missing, a folder, no YAML, a list, a text', () => {
    mkdirSync('folder', { recursive: true });
    assert.deepEqual(faultsOf({ TOLLGATE_CONFIG: 'missing.yaml' }), [
      'TOLLGATE_CONFIG: the file missing.yaml cannot be read',
    ]);
    assert.deepEqual(faultsOf({ TOLLGATE_CONFIG: 'folder' }), ['TOLLGATE_CONFIG: the file folder cannot be read']);
    const [broken = ''] = faultsOf({}, 'port: "1\nhost: [');
    assert.match(broken, /^given\.yaml: not valid YAML: .+/);
    const [twice = ''] = faultsOf({}, 'port: 1\nport: 2\n');
    assert.match(twice, /^given\.yaml: not valid YAML: .*unique/);
    for (const file of ['- port\n', 'port\n', '8080\n']) {
      assert.deepEqual(faultsOf({}, file), [
        'given.yaml: must hold settings as "name: value" lines, such as "port: 8080"',
      ]);
    }
  });

  test('never shows a secret', () => {
    const secrets = {
      HMAC_SECRET: 'hunter2',
      ENCRYPTION_KEY: 'hunter2',
      DATABASE_URL: 'hunter2',
      REDIS_URL: 'hunter2',
    };
    const env = Object.fromEntries(Object.entries(secrets).map(([name, value]) => [`TOLLGATE_${name}`, value]));
    assert.equal(faultsOf(env).length, 4);
    assert.doesNotMatch(faultsOf(env).join(), /hunter2/);
    const file = Object.entries(secrets).map(([name, value]) => `${name.toLowerCase()}: ${value}\n`);
    assert.doesNotMatch(faultsOf({}, file.join('')).join(), /hunter2/);
  });
});

describe('a value as it is shown', () => {
  const shown: readonly [name: keyof Settings, value: Settings[keyof Settings], text: string][] = [
    ['PORT', 8080, '8080'],
    ['DEMO', false, 'false'],
    ['HOST', '::', '::'],
    ['DATABASE_URL', undefined, ''],
    ['HMAC_SECRET', undefined, ''],
    ['HMAC_SECRET', 'hunter2'.repeat(5), '***'],
    ['HMAC_SECRET', `https://${'hunter2'.repeat(5)}/x`, '***'],
    ['ENCRYPTION_KEY', 'a'.repeat(64), '***'],
    ['DATABASE_URL', 'postgres://user:hunter2@h:5432/db', 'postgres://user:***@h:5432/db'],
    ['DATABASE_URL', 'postgres://user@h/db', 'postgres://user@h/db'],
    [
      'DATABASE_URL',
      'postgres://u@h/db?password=hunter2&sslmode=require',
      'postgres://u@h/db?password=***&sslmode=require',
    ],
    ['DATABASE_URL', 'postgres:hunter2', '***'],
    ['DATABASE_URL', 'postgres://user:hunter2@h:x/db', '***'],
    ['REDIS_URL', 'rediss://:hunter2@h:6379/0', 'rediss://:***@h:6379/0'],
  ];
  for (const [name, value, expected] of shown) {
    test(`has its secrets masked: ${name} ${expected}`, () => assert.equal(showSetting(name, value), expected));
  }
});
