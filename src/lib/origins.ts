// Which origins a list means: `https://app.example.com` that one, `https://*.example.com` all below it, `*` every one.

const WIDE = /^(https?:\/\/)\*(\.[^*]+)$/;

/** `named`: the list names it, or what it lies below; `any`: only `*` lets it in. */
type Verdict = 'named' | 'any' | 'refused';

export function createOriginJudge(origins: readonly string[]): (origin: string) => Verdict {
  const lower = origins.map((origin) => origin.toLowerCase());
  const named = new Set(lower);
  const otherwise: Verdict = named.delete('*') ? 'any' : 'refused';
  const wide = lower.flatMap((origin) => {
    const [, scheme, suffix] = WIDE.exec(origin) ?? [];
    return scheme === undefined || suffix === undefined ? [] : [{ scheme, suffix }];
  });
  return (origin) => {
    const asked = origin.toLowerCase();
    if (named.has(asked)) return 'named';
    for (const { scheme, suffix } of wide) {
      if (asked.length > scheme.length + suffix.length && asked.startsWith(scheme) && asked.endsWith(suffix)) {
        return isHostLabel(asked.slice(scheme.length, -suffix.length)) ? 'named' : otherwise;
      }
    }
    return otherwise;
  };
}

/** Nothing but a name in front: `https://evil.test/.example.com` is no origin below example.com. */
function isHostLabel(text: string): boolean {
  return /^[a-z0-9.-]+$/.test(text);
}
