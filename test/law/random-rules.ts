import { isUtf8 } from 'node:buffer';
import { oneOf, type Random } from '../fuzz/random.js';
import { globExpression } from '../helpers/glob-expression.js';

const PATTERNS = [
  ...['a', 'b', 'a/b', 'a/*', 'a/**', '*', '*/a', '**', '**/a', '**/b/*', '**/b/**/a', 'c/**/b'],
  ...['.*', '**/*n*', '[ab]', '[!a]/b', '*/*/c', '/'],
];

/** From one to four rules, some of which fit paths of random stacks. */
export function randomRules(random: Random): readonly string[] {
  return Array.from({ length: 1 + random(4) }, () => `${oneOf('+-', random)}${oneOf(PATTERNS, random)}`);
}

/** Says whether rules keep a path, each path looked at alone. */
export function keptBy(rules: readonly string[]): (path: string) => boolean {
  return (path) => {
    const text = path.split('/').map(characters).join('/');
    const last = rules.findLast((rule) => globExpression(rule.slice(1)).test(`${text}/`));
    return (last ?? (rules[0]?.startsWith('+') ? '-' : '+')).startsWith('+');
  };
}

/** What a wildcard fits: each character of a name in UTF-8, each byte of others. */
function characters(name: string): string {
  const bytes = Buffer.from(name, 'latin1');
  return isUtf8(bytes) ? bytes.toString() : name;
}
