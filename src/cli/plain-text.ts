// Text of others, made fit for a terminal: names and descriptions come from anybody, and escape sequences in them could move the cursor, hide
// lines or worse.

/** Control characters, and those that turn the direction of writing. */
const UNFIT = /[\p{Cc}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu;

export function toPlain(text: string): string {
  return text.replaceAll(UNFIT, (character) => {
    switch (character) {
      case '\n':
        return '\\n';
      case '\t':
        return ' ';
      default:
        return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
    }
  });
}
