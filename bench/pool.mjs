import { Random } from './random.mjs';

export const POOL_SIZE = 2 ** 26;

/** @type {Buffer | undefined} */
let made;

/** What files are made of: words and binary stretches that gzip shrinks to about a third. Files are slices of it. */
export function pool() {
  made ??= makePool();
  return made;
}

function makePool() {
  const random = new Random(7);
  const words = Array.from({ length: 1024 }, () => {
    const length = 3 + random.below(8);
    return Array.from({ length }, () => String.fromCharCode(97 + random.below(26))).join('');
  });
  const bytes = Buffer.alloc(POOL_SIZE);
  for (let at = 0; at < POOL_SIZE; ) {
    if (random.below(200) > 0)
      at += bytes.write(`${words[random.below(random.below(random.below(1024) + 1) + 1)]} `, at, 'latin1') || POOL_SIZE;
    else for (const end = Math.min(at + 128, POOL_SIZE); at < end; at++) bytes[at] = random.below(256);
  }
  return bytes;
}
