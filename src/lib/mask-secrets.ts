// Takes secrets out of what is kept for people to read: by the names under which they stand, and by their own looks.

const MASK = '***';

/** Words of a name that say that its value is a secret. */
const SECRET_WORD =
  /\b(?:secrets?|passwords?|passwd|pwd|passphrase|tokens?|authorization|cookies?|credentials?|pepper|jwt|signature|apikey)\b/;
/** `key` alone and the keys that are secrets; not `keyId`, `keyPrefix` or `keyTemplate`. */
const SECRET_KEY = /^(?:(?:x|api|private|access|encryption|signing|hmac|old|new) )*key$/;

/** The text of a key of ours (lib/key-text.ts), wherever it stands. */
const KEY_TEXT = /[a-z][a-z0-9_]{0,31}_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}/g;
const CREDENTIAL = /\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi;
/** Of a URL, the part before the host. */
const USER_INFO = /(:\/\/)[^\s/?#@]+@/g;

/** A copy in which every secret text is `***`. Numbers, booleans and null are no secrets, whatever their name. */
export function maskSecrets(value: unknown): unknown {
  if (typeof value === 'string') return maskText(value);
  if (Array.isArray(value)) return value.map(maskSecrets);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [maskText(name), maskMember(name, member)] as const),
  );
}

/** The value of a member with this name. */
export function maskMember(name: string, value: unknown): unknown {
  return isSecretName(name) ? maskWhole(value) : maskSecrets(value);
}

function isSecretName(name: string): boolean {
  const words = name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/[^A-Za-z0-9]+/g, ' ')
    .toLowerCase()
    .trim();
  return SECRET_WORD.test(words) || SECRET_KEY.test(words);
}

function maskWhole(value: unknown): unknown {
  if (typeof value === 'string') return value === '' ? '' : MASK;
  return typeof value === 'object' && value !== null ? MASK : value;
}

function maskText(text: string): string {
  return text.replaceAll(KEY_TEXT, MASK).replaceAll(CREDENTIAL, `$1 ${MASK}`).replaceAll(USER_INFO, `$1${MASK}@`);
}
