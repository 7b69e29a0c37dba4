/**
 * The simple commands of a line of shell, each as its words: enough of the shell for examples, with quotes, pipes,
 * lists, process substitution, redirections, which are left out, and comments.
 */
export function commandsOf(line: string): readonly (readonly string[])[] {
  const commands: string[][] = [[]];
  let isFile = false;
  for (const [token] of line.matchAll(/(?<!\S)#.*$|\|\|?|&&|;|<\(|[()<>]|(?:'[^']*'|"[^"]*"|[^\s'"|&;()<>])+/g)) {
    if (token.startsWith('#')) break;
    if (/^(?:\|\|?|&&|;|<\(|[()])$/.test(token)) commands.push([]);
    else if (!isFile && !/^[<>]$/.test(token)) commands.at(-1)?.push(token.replaceAll(/'([^']*)'|"([^"]*)"/g, '$1$2'));
    isFile = /^[<>]$/.test(token);
  }
  return commands.filter((words) => words.length > 0);
}
