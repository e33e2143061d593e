// Which headers end at this hop (RFC 9110 §7.6.1), in either direction.

const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Lower-case names that the message's own `Connection` header declares as meant for one hop only; usually none. */
export function connectionOptions(headers: readonly string[]): ReadonlySet<string> | undefined {
  let names: Set<string> | undefined;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() !== 'connection') continue;
    for (const option of (headers[i + 1] ?? '').toLowerCase().split(',')) {
      const name = option.trim();
      if (name !== '' && name !== 'keep-alive' && name !== 'close') (names ??= new Set()).add(name);
    }
  }
  return names;
}

export function isHopByHop(lowerName: string, options: ReadonlySet<string> | undefined): boolean {
  return HOP_BY_HOP.has(lowerName) || options?.has(lowerName) === true;
}
