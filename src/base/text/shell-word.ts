/** Quotes printable text as one shell word, for commands suggested in messages. */
export function shellWord(text: string): string {
  if (/^[\w%+=:,./@-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", "'\\''")}'`;
}
