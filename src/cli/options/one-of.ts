import { usageError } from './usage-error.js';

/** @throws DIMGX_CLI_USAGE */
export function oneOf<T extends string>(option: string, text: string, choices: readonly T[]): T {
  const choice = choices.find((name) => name === text);
  if (choice !== undefined) return choice;
  throw usageError(`${option} is one of ${choices.join(', ')}, not "${text}"`);
}
