// `tollgate config`: prints every setting as it is in force, secrets masked.

import { loadSettings, settingNames, showSetting } from '../config.ts';

/** The commands that are about what runs on this machine. Only the sidecar takes arguments. */
export const RUN_COMMANDS = [
  { name: 'start', summary: 'Run the gateway and its management API (also without a command).' },
  { name: 'sidecar', summary: 'Run a gateway in front of one service, without a database and a management API.' },
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
