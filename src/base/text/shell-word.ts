/** A printable text as one word of a shell's command, for commands that a message offers. */
export function shellWord(text: string): string {
  if (/^[\w%+=:,./@-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", "'\\''")}'`;
}
