// What a person sees when Tollgate has started: where it is, and what to do first. At most fifteen lines.

export interface BannerFacts {
  readonly version: string;
  /** Where callers on this machine reach it. */
  readonly url: string;
  /** And over TLS; undefined without. */
  readonly tlsUrl: string | undefined;
  readonly threads: number;
  readonly database: string;
  /** Undefined once there is an operator. */
  readonly setupToken: string | undefined;
  readonly isDemo: boolean;
}

export function toBanner(facts: BannerFacts): string {
  const { version, url, tlsUrl, threads, database, setupToken, isDemo } = facts;
  const places = tlsUrl === undefined ? url : `${url} and ${tlsUrl}`;
  const lines = [
    `Tollgate ${version} listens on ${places} (${threads} gateway thread${threads === 1 ? '' : 's'}, ${database})`,
  ];
  if (setupToken !== undefined) {
    lines.push(
      '',
      'Make yourself an operator; the answer holds your key, which is shown this once:',
      `  curl -X POST ${url}/setup -H 'Content-Type: application/json' \\`,
      `    -d '{"name": "Super Admin", "email": "admin@example.com"}'`,
      `  (from another machine, add: -H 'X-Setup-Token: ${setupToken}')`,
    );
  }
  if (isDemo) lines.push('', 'Try the demo gateway:', `  curl ${url}/demo/echo`);
  lines.push('', `The API describes itself at ${url}/api/v1/openapi.json; stop with Ctrl-C.`);
  return lines.join('\n');
}

export interface SidecarBannerFacts {
  readonly version: string;
  readonly url: string;
  /** The service, or the file that names the services. */
  readonly serves: string;
  readonly threads: number;
  /** Undefined where none is asked for, or another Tollgate is asked. */
  readonly keys: number | undefined;
  readonly controlPlane: string | undefined;
  /** At the first start, when a file of keys was made. */
  readonly firstKey: { readonly text: string; readonly file: string } | undefined;
}

export function toSidecarBanner(facts: SidecarBannerFacts): string {
  const { version, url, serves, threads, keys, controlPlane, firstKey } = facts;
  const own = keys === undefined ? 'no keys are asked for' : plural(keys, 'key');
  const asked = controlPlane === undefined ? own : `keys of ${controlPlane}`;
  const lines = [
    `Tollgate ${version} listens on ${url} for ${serves} (${plural(threads, 'gateway thread')}, ${asked})`,
  ];
  if (firstKey !== undefined) {
    lines.push(
      '',
      `There was no file of keys: ${firstKey.file} is made, with what proves this first key. It is shown this once:`,
      `  curl -H 'X-API-Key: ${firstKey.text}' ${url}/`,
      `More keys: tollgate key-file add ${firstKey.file} --name …`,
    );
  }
  return lines.join('\n');
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
