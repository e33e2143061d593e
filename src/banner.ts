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
