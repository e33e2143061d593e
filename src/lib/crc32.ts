// CRC-32 (ISO 3309, as in zlib) of a text of single-byte characters. node:zlib has one, but turns the text into bytes first: for the
// sixty characters of a key, on every request, that costs more than the sum.

const TABLE = Uint32Array.from({ length: 256 }, (_, octet) => {
  let rest = octet;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest;
});

/** Of the first `length` characters; those beyond U+00FF count as their lowest octet. */
export function crc32(text: string, length = text.length): number {
  let rest = 0xffffffff;
  for (let i = 0; i < length; i++) rest = (rest >>> 8) ^ (TABLE[(rest ^ text.charCodeAt(i)) & 0xff] ?? 0);
  return (rest ^ 0xffffffff) >>> 0;
}
