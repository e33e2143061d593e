// Classes of octets, as tables: one look per byte (RFC 9110 §5.6.2, RFC 9112 §3.2, RFC 3986).

export const TAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SPACE = 0x20;
export const COLON = 0x3a;

const ALPHANUMERIC = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** tchar: what methods and field names are made of. */
export const TOKEN = table("!#$%&'*+-.^_`|~" + ALPHANUMERIC);

/** Visible ASCII less `#`: what a request target may hold. A fragment never travels. */
export const TARGET = range((octet) => octet > SPACE && octet < 0x7f && octet !== 0x23);

/** HTAB, SP, VCHAR and obs-text: what a field value may hold. No CR, LF, NUL, or other control. */
export const FIELD_VALUE = range((octet) => octet === TAB || (octet >= SPACE && octet !== 0x7f));

/** unreserved and sub-delims: what a registered name in an authority may hold beside percent-encoding. */
export const HOST_NAME = table("-._~!$&'()*+,;=%" + ALPHANUMERIC);

export function isDigit(octet: number): boolean {
  return octet >= 0x30 && octet <= 0x39;
}

/** The value of a hexadecimal digit, or -1. */
export function hexValue(octet: number): number {
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30;
  const lower = octet | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** Whether `text` is `lower`, whose letters are all lower case, but for case. */
export function isSameToken(text: string, lower: string): boolean {
  if (text.length !== lower.length) return false;
  for (let i = 0; i < lower.length; i++) {
    const octet = text.charCodeAt(i);
    const folded = octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
    if (folded !== lower.charCodeAt(i)) return false;
  }
  return true;
}

/** Whether a list that is parted by commas, as in `Connection`, has the member `lower`, whose letters are all lower case. */
export function hasMember(list: string, lower: string): boolean {
  for (let start = 0; start < list.length;) {
    const comma = list.indexOf(',', start);
    const next = comma < 0 ? list.length : comma;
    let end = next;
    while (start < end && isWhiteSpace(list.charCodeAt(start))) start++;
    while (end > start && isWhiteSpace(list.charCodeAt(end - 1))) end--;
    if (end - start === lower.length && isSameToken(list.slice(start, end), lower)) return true;
    start = next + 1;
  }
  return false;
}

export function isWhiteSpace(octet: number | undefined): boolean {
  return octet === SPACE || octet === TAB;
}

function table(members: string): Uint8Array {
  return range((octet) => members.includes(String.fromCharCode(octet)));
}

function range(isMember: (octet: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, octet) => (isMember(octet) ? 1 : 0));
}
