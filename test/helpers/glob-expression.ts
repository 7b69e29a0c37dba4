/**
 * A pattern for paths as a regular expression, for a model: the path has a slash at its end. Of what is between slashes
 * it knows `*`, `?`, `[ab]`, `[!a]` and `**`.
 */
export function globExpression(pattern: string): RegExp {
  const parts = pattern.split('/').filter((part) => part !== '');
  const text = parts.map((part, i) => {
    if (part !== '**')
      return `${part.replaceAll('.', '\\.').replaceAll('[!', '[^').replaceAll('?', '[^/]').replaceAll('*', '[^/]*')}/`;
    return i === parts.length - 1 ? '[^/]+/' : '(?:[^/]+/)*';
  });
  return new RegExp(`^${text.join('')}`, 's');
}
