/** Maximum length of the scope in a challenge, in characters: a longer one would not fit in a URL. */
const MAX_LENGTH = 4096;

/** Maximum number of scopes in one list: a registry may name a different scope each time. */
const MAX_SCOPES = 8;

/** What the lists of scopes to request are made from. */
export interface ScopeChoices {
  /** What is needed, as far as dimgx knows. */
  readonly own: readonly string[];
  /** The scopes that the challenge names; may be empty. */
  readonly named: readonly string[];
  /** The token for `own` was just refused. */
  readonly isRefused: boolean;
}

/**
 * The lists of scopes to request tokens for, likeliest first: dimgx's own, then those together with the challenge's,
 * then the challenge's alone. A registry with its own actions, or behind a proxy that rewrites its paths, knows best
 * what it needs. Other registries name a scope that is only an example.
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

/** One text for a list of scopes, in any order. */
export function keyOfScopes(scopes: readonly string[]): string {
  return [...scopes].sort().join(' ');
}
