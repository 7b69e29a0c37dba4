/** A random number below `limit`. The same seed gives the same ones. */
export type Random = (limit: number) => number;

/** Source: mulberry32, public domain. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}

/** One of a list, which is not empty. */
export function oneOf<T>(choices: ArrayLike<T>, random: Random): T {
  return choices[random(choices.length)] as T;
}
