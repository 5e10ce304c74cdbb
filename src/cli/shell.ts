/** Words of commands that are printed for people to run. */

/** A word as a POSIX shell takes it whole. */
export function shellQuoted(word: string): string {
  return /^[\w./@:+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
