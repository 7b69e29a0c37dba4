/** A random number below `limit`. The same seed gives the same ones. */
export type Random = (limit: number) => number;

/** mulberry32. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}

const INTERESTING = [0x00, 0x0a, 0x20, 0x2e, 0x2f, 0x30, 0x37, 0x3d, 0x7f, 0x80, 0xff];

/** Flips bits, puts odd bytes, cuts, doubles and moves stretches: a few times. */
export function mutated(bytes: Uint8Array, random: Random): Buffer {
  let result = Buffer.from(bytes);
  for (let times = 1 + random(6); times > 0 && result.length > 0; times--) {
    const at = random(result.length);
    const length = 1 + random(Math.min(600, result.length - at));
    const kind = random(5);
    if (kind === 0) result[at] = (result[at] ?? 0) ^ (1 << random(8));
    else if (kind === 1) result[at] = INTERESTING[random(INTERESTING.length)] ?? 0;
    else if (kind === 2) result = Buffer.concat([result.subarray(0, at), result.subarray(at + length)]);
    else if (kind === 3) result = Buffer.concat([result.subarray(0, at + length), result.subarray(at)]);
    else result.copy(result, random(result.length - length + 1), at, at + length);
  }
  return result;
}

/** Puts right checksums into all blocks that look like headers, so that what is behind them is reached. */
export function resummed(archive: Buffer): Buffer {
  for (let at = 0; at + 512 <= archive.length; at += 512) {
    if (archive.toString('latin1', at + 257, at + 262) !== 'ustar') continue;
    archive.write('        ', at + 148, 'latin1');
    const sum = archive.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
    archive.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
  }
  return archive;
}
