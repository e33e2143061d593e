// `tollgate sidecar`: its words. What carries it out is given by the program, which alone knows how a gateway is put together.

import { textOf, type Command, type Values } from './command.ts';
import { checkUrl } from './credentials.ts';
import { EXIT_CODES, Failure } from './failure.ts';

export interface SidecarOptions {
  readonly upstream: string | undefined;
  readonly config: string | undefined;
  readonly keys: string | undefined;
  /** The address of the Tollgate that keeps the keys, without a slash at its end. */
  readonly controlPlane: string | undefined;
  /** The file that holds the key to ask it with. */
  readonly controlPlaneKey: string | undefined;
  readonly isOpen: boolean;
  readonly port: number | undefined;
  readonly host: string | undefined;
  readonly logsRequests: boolean;
}

/** `run` resolves when it listens. */
export function sidecar(run: (options: SidecarOptions) => Promise<void>): Command {
  return {
    name: 'sidecar',
    summary: 'Run a gateway in front of one service, without a database and a management API.',
    description:
      'Its keys stand in a file, which holds what proves them and never the keys, or in another Tollgate, which it asks. Files are looked at every two seconds: what has changed holds from then on, and what is wrong is logged and changes nothing. Settings hold as for a node, with one thread unless THREADS says more.',
    options: [
      { name: 'upstream', type: 'word', meaning: 'The service: every request goes there, `http://127.0.0.1:3000`.' },
      {
        name: 'config',
        type: 'word',
        meaning: 'In its place, a file with gateways and their endpoints, in YAML or JSON.',
      },
      {
        name: 'keys',
        type: 'word',
        meaning:
          'The file of keys (`tollgate key-file`). sidecar-keys.yaml in this folder unless told: where that is not there, it is made, with a first key that is shown once.',
      },
      {
        name: 'control-plane',
        type: 'word',
        meaning:
          'In the place of --keys, the Tollgate that keeps the keys, `https://tollgate.example`. It is asked with a key of its own that holds the scope admin:keys:verify: from TOLLGATE_API_KEY, or from a file.',
      },
      {
        name: 'control-plane-key',
        type: 'word',
        meaning: 'The file that holds the key to ask the control plane with, in place of TOLLGATE_API_KEY.',
      },
      { name: 'open', type: 'flag', meaning: 'With --upstream: everybody may call, without a key.' },
      { name: 'port', type: 'word', meaning: 'Where it listens, in place of the setting PORT.' },
      { name: 'host', type: 'word', meaning: 'Address on which it listens, in place of the setting HOST.' },
      { name: 'log-requests', type: 'flag', meaning: 'Write the record of every request to standard output, as JSON.' },
    ],
    does: {
      kind: 'program',
      calls: [],
      async run({ values }) {
        await run(toOptions(values));
        return EXIT_CODES.ok.code;
      },
    },
    examples: [
      { line: 'sidecar --upstream http://127.0.0.1:3000', about: 'the first start makes a file of keys, and a key' },
      { line: 'sidecar --config api.yaml --keys keys.yaml --port 9000', about: 'with endpoints, scopes and limits' },
      { line: 'sidecar --upstream http://127.0.0.1:3000 --open', about: 'without keys' },
      {
        line: 'sidecar --upstream http://127.0.0.1:3000 --control-plane https://tollgate.example --control-plane-key key.txt',
        about: 'with the keys of another Tollgate',
      },
    ],
  };
}

function toOptions(values: Values): SidecarOptions {
  const [upstream, config, keys, port] = ['upstream', 'config', 'keys', 'port'].map((name) => textOf(values, name));
  const [given, controlPlaneKey] = ['control-plane', 'control-plane-key'].map((name) => textOf(values, name));
  const isOpen = values.options.get('open') === true;
  const faults: string[] = [];
  if (upstream === undefined && config === undefined)
    faults.push('--upstream is missing: name the service, such as --upstream http://127.0.0.1:3000');
  if (upstream !== undefined && config !== undefined)
    faults.push('--upstream goes without --config, which says where its services are');
  if (isOpen && config !== undefined) faults.push('--open goes with --upstream; in a file, authRequired: false opens');
  if (isOpen && keys !== undefined) faults.push('--open goes without --keys: nobody would be asked for one');
  if (isOpen && given !== undefined)
    faults.push('--open goes without --control-plane: nobody would be asked for a key');
  if (keys !== undefined && given !== undefined)
    faults.push('--keys goes without --control-plane: keys come from the file or from that Tollgate, not from both');
  if (controlPlaneKey !== undefined && given === undefined)
    faults.push('--control-plane-key goes with --control-plane: name the Tollgate that keeps the keys');
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) <= 65_535))
    faults.push('--port must be a number from 0 to 65535');
  const [first, ...rest] = faults;
  if (first !== undefined) throw new Failure('usage', [`sidecar: ${first}`, ...rest.map((line) => `sidecar: ${line}`)]);
  return {
    upstream,
    config,
    keys,
    controlPlane: given === undefined ? undefined : checkUrl(given),
    controlPlaneKey,
    isOpen,
    port: port === undefined ? undefined : Number(port),
    host: textOf(values, 'host'),
    logsRequests: values.options.get('log-requests') === true,
  };
}
