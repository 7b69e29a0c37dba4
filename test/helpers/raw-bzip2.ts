/** The marks of a block and of the end of a stream. */
export const MARKS = { block: 0x314159265359n, end: 0x177245385090n } as const;

const GROUP = 50;
const TABLES = 4;
/** Length of every symbol's code, in bits. */
const WIDTH = 9;
const LAST_SYMBOL = 257;

/**
 * A stream of one block whose list of tables contains bits that look like a mark. All tables are equal, so any list is
 * valid. A mark has at most three ones in a row, and the unary numbers of the list go up to three.
 *
 * @param bytes must not contain four equal bytes in a row
 */
export function streamWithMark(bytes: Buffer, mark: bigint): Buffer {
  const { last, start } = sortedRotations(bytes);
  const symbols = [...movedToFront(last), LAST_SYMBOL];
  const check = checksum(bytes).toString(2).padStart(32, '0');
  const list = `${mark.toString(2).padStart(48, '0')}0`;
  const count = Math.ceil(symbols.length / GROUP);
  const rest = count - list.replaceAll('1', '').length;
  const bits = [
    ascii('BZh9'),
    binary(MARKS.block, 48) + check + binary(0, 1) + binary(start, 24),
    '1'.repeat(16 + 256),
    binary(TABLES, 3) + binary(count, 15) + list + '0'.repeat(rest),
    (binary(WIDTH, 5) + '0'.repeat(LAST_SYMBOL + 1)).repeat(TABLES),
    ...symbols.map((symbol) => binary(symbol, WIDTH)),
    binary(MARKS.end, 48) + check,
  ].join('');
  return Buffer.from((bits.match(/.{1,8}/g) ?? []).map((byte) => Number.parseInt(byte.padEnd(8, '0'), 2)));
}

function binary(value: number | bigint, width: number): string {
  return value.toString(2).padStart(width, '0');
}

function ascii(text: string): string {
  return [...Buffer.from(text)].map((byte) => binary(byte, 8)).join('');
}

function sortedRotations(bytes: Buffer): { last: number[]; start: number } {
  const twice = Buffer.concat([bytes, bytes]);
  const order = Array.from(bytes, (_, i) => i);
  order.sort((a, b) => twice.compare(twice, b, b + bytes.length, a, a + bytes.length));
  return { last: order.map((at) => twice[at + bytes.length - 1] as number), start: order.indexOf(0) };
}

/** A run of zeros is written in digits of 1 and 2, lowest first, as symbols 0 and 1. */
function movedToFront(bytes: readonly number[]): number[] {
  const front = Array.from({ length: 256 }, (_, byte) => byte);
  const symbols: number[] = [];
  let zeros = 0;
  const endRun = () => {
    for (; zeros > 0; zeros = (zeros - 1) >> 1) symbols.push((zeros - 1) & 1);
  };
  for (const byte of bytes) {
    const place = front.indexOf(byte);
    front.unshift(...front.splice(place, 1));
    if (place === 0) zeros++;
    else {
      endRun();
      symbols.push(place + 1);
    }
  }
  endRun();
  return symbols;
}

function checksum(bytes: Buffer): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) sum = (sum << 1) ^ (sum < 0 ? 0x04c11db7 : 0);
  }
  return ~sum >>> 0;
}
