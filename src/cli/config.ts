// `tollgate config`: prints every setting as it is in force, secrets masked.

import { loadSettings, settingNames, showSetting } from '../config.ts';

/** The commands that are about the node on this machine. They take no arguments. */
export const RUN_COMMANDS = [
  { name: 'start', summary: 'Run the gateway and its management API (also without a command).' },
  { name: 'config', summary: 'Print every setting as it is in force, secrets masked.' },
  { name: 'help', summary: 'Print what the commands are.' },
] as const;

export function printConfig(env: Readonly<Record<string, string | undefined>>, print: (line: string) => void): void {
  const { settings, sources } = loadSettings(env);
  const width = Math.max(...settingNames().map((name) => name.length));
  for (const name of settingNames()) {
    const shown = showSetting(name, settings[name]);
    print(`${name.padEnd(width)}  ${shown === '' ? '(not given)' : shown}  [${sources[name]}]`);
  }
}
