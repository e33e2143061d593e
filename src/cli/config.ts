// `tollgate config`: prints every setting as it is in force, secrets masked.

import { loadSettings, settingNames, showSetting } from '../config.ts';

export function printConfig(env: Readonly<Record<string, string | undefined>>, print: (line: string) => void): void {
  const { settings, sources } = loadSettings(env);
  const width = Math.max(...settingNames().map((name) => name.length));
  for (const name of settingNames()) {
    const shown = showSetting(name, settings[name]);
    print(`${name.padEnd(width)}  ${shown === '' ? '(not given)' : shown}  [${sources[name]}]`);
  }
}
