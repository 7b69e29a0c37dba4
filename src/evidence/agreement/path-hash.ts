/** FNV-1a, in 32 bits. It finds what was changed by chance or by hand, not what was made to collide. */
const [BASIS, PRIME] = [0x811c9dc5 | 0, 0x01000193];

/** A hash of a path and of what numbers come before it, as a signed number of 32 bits. */
export function pathHash(path: Uint8Array, ...before: readonly number[]): number {
  let hash = BASIS;
  for (const number of before) {
    for (let rest = number; ; rest = Math.floor(rest / 256)) {
      hash = Math.imul(hash ^ (rest & 255), PRIME);
      if (rest < 256) break;
    }
    hash = Math.imul(hash ^ 256, PRIME);
  }
  for (let i = 0; i < path.length; i++) hash = Math.imul(hash ^ (path[i] as number), PRIME);
  return hash;
}

/** Another hash, for pairs of 64 bits. It is unlikely that two of ten million paths have the same pair: 1 in 300,000. */
export function otherPathHash(path: Uint8Array): number {
  let hash = path.length;
  for (let i = 0; i < path.length; i++) {
    hash = Math.imul(hash ^ (path[i] as number), 0x85ebca6b);
    hash ^= hash >>> 15;
  }
  return hash | 0;
}
