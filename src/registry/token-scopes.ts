/** Of the scope that a challenge names, in characters: more could not be asked for in a URL. */
const MAX_LENGTH = 4096;

/** Of scopes in one list: a registry may name another each time. */
const MAX_SCOPES = 8;

/** What tokens are asked for when a registry wants one, the likeliest first. */
export interface ScopeChoices {
  /** What is wanted, as far as dimgx knows. */
  readonly own: readonly string[];
  /** The scope that the challenge names; may be empty. */
  readonly named: readonly string[];
  /** The token for `own` was refused just now. */
  readonly isRefused: boolean;
}

/**
 * The lists of scopes to ask tokens for, one after the other: dimgx's own, with that of the challenge besides, and that of
 * the challenge alone. A registry behind a server that rewrites its paths, or with actions of its own, knows best what it
 * wants; others name a scope that is only an example.
 */
export function scopeChoices({ own, named, isRefused }: ScopeChoices): readonly (readonly string[])[] {
  if (own.length + named.length > MAX_SCOPES) return [named.slice(0, MAX_SCOPES)];
  const missing = named.filter((scope) => !own.includes(scope));
  const choices = isRefused && missing.length > 0 ? [] : [own];
  if (missing.length > 0) choices.push([...own, ...missing]);
  if (named.length > 0) choices.push(named);
  return [...new Map(choices.map((choice) => [keyOfScopes(choice), choice])).values()];
}

/** The scopes in a challenge's parameter. */
export function namedScopes(scope: string | undefined): readonly string[] {
  if (scope === undefined || scope.length > MAX_LENGTH) return [];
  return [...new Set(scope.split(/\s+/).filter((each) => each !== ''))];
}

/** One text for a list of scopes, in whatever order. */
export function keyOfScopes(scopes: readonly string[]): string {
  return [...scopes].sort().join(' ');
}
