/** A stranger's text must not command the terminal, nor forge a line: what would do so is shown, not sent. */

/** Text of several lines: control characters but tab and newline become `\x1b` and the like. */
export function printable(text: string): string {
  return text.replace(/(?![\t\n])\p{Cc}/gu, shown);
}

/** Text that has one line to itself: every control character becomes `\x0a` and the like, so that it stays one. */
export function printableLine(text: string): string {
  return text.replace(/\p{Cc}/gu, shown);
}

function shown(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}
