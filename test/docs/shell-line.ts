/**
 * The simple commands of a line of shell, each as its words: enough of the shell for examples, with quotes, pipes, lists,
 * process substitution and comments.
 */
export function commandsOf(line: string): readonly (readonly string[])[] {
  const commands: string[][] = [[]];
  for (const [token] of line.matchAll(/(?<!\S)#.*$|\|\|?|&&|;|<\(|[()]|(?:'[^']*'|"[^"]*"|[^\s'"|&;()<>])+/g)) {
    if (token.startsWith('#')) break;
    if (/^(?:\|\|?|&&|;|<\(|[()])$/.test(token)) commands.push([]);
    else commands.at(-1)?.push(token.replaceAll(/'([^']*)'|"([^"]*)"/g, '$1$2'));
  }
  return commands.filter((words) => words.length > 0);
}
