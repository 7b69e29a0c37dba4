import { oneOf, type Random } from '../random.js';

/** Inputs stay small: large ones are slow, and reach nothing more. */
export const MAX_INPUT = 24 * 1024;

const ODD_BYTES = [0x00, 0x0a, 0x20, 0x2e, 0x2f, 0x30, 0x37, 0x39, 0x3d, 0x7f, 0x80, 0xff];

/** Numbers as text at which something changes. */
export const ODD_NUMBERS = [
  ...['0', '1', '-1', '00', '511', '512', '513', '1024', '65536', '1048576', '1048577', '2147483647', '4294967295'],
  ...['9007199254740991', '9007199254740993', '9223372036854775807', '18446744073709551616', '1e309', '0x10', '.5'],
];

/** Flips bits, puts odd bytes and numbers, cuts, doubles and moves stretches: a few times. */
export function mutatedBytes(bytes: Uint8Array, random: Random): Buffer {
  let result: Buffer = Buffer.from(bytes);
  for (let times = 1 + random(4); times > 0; times--) result = mutatedOnce(result, random);
  return result.subarray(0, MAX_INPUT);
}

function mutatedOnce(bytes: Buffer, random: Random): Buffer {
  if (bytes.length === 0) return Buffer.from([oneOf(ODD_BYTES, random)]);
  const at = random(bytes.length);
  const end = at + 1 + random(Math.min(random(8) === 0 ? 600 : 16, bytes.length - at));
  switch (random(8)) {
    case 0:
      bytes[at] = (bytes[at] as number) ^ (1 << random(8));
      return bytes;
    case 1:
      bytes[at] = oneOf(ODD_BYTES, random);
      return bytes;
    case 2:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
    case 3:
      return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
    case 4:
      bytes.copy(bytes, random(bytes.length - (end - at) + 1), at, end);
      return bytes;
    case 5:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from([oneOf(ODD_BYTES, random)]), bytes.subarray(at)]);
    case 6:
      return withOddNumber(bytes, at, random);
    default:
      bytes.fill(oneOf(ODD_BYTES, random), at, end);
      return bytes;
  }
}

/** Puts an odd number in the place of the next one. */
function withOddNumber(bytes: Buffer, from: number, random: Random): Buffer {
  const isDigit = (at: number) => at < bytes.length && (bytes[at] as number) >= 0x30 && (bytes[at] as number) <= 0x39;
  let start = from;
  while (start < bytes.length && !isDigit(start)) start++;
  let end = start;
  while (isDigit(end)) end++;
  return Buffer.concat([bytes.subarray(0, start), Buffer.from(oneOf(ODD_NUMBERS, random)), bytes.subarray(end)]);
}
