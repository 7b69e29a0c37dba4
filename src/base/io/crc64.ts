/** The polynomial of ISO 3309, reflected, in two halves. */
const [POLYNOMIAL_HIGH, POLYNOMIAL_LOW] = [0xd800_0000, 0];

/** CRC-64 as Go's `crc64.ISO` and tar-split compute it, in two halves. */
export class Crc64 {
  #high = 0xffff_ffff;
  #low = 0xffff_ffff;

  get high(): number {
    return ~this.#high >>> 0;
  }

  get low(): number {
    return ~this.#low >>> 0;
  }

  update(bytes: Uint8Array): void {
    let [high, low] = [this.#high, this.#low];
    const [highs, lows] = TABLES;
    for (let i = 0; i < bytes.length; i++) {
      const index = (low ^ (bytes[i] as number)) & 0xff;
      low = ((low >>> 8) | (high << 24)) ^ (lows[index] as number);
      high = (high >>> 8) ^ (highs[index] as number);
    }
    [this.#high, this.#low] = [high, low];
  }
}

const TABLES = tables();

function tables(): readonly [Uint32Array, Uint32Array] {
  const [highs, lows] = [new Uint32Array(256), new Uint32Array(256)];
  for (let byte = 0; byte < 256; byte++) {
    let [high, low] = [0, byte];
    for (let bit = 0; bit < 8; bit++) {
      const isOdd = (low & 1) === 1;
      low = ((low >>> 1) | (high << 31)) >>> 0;
      high >>>= 1;
      if (isOdd) [high, low] = [(high ^ POLYNOMIAL_HIGH) >>> 0, (low ^ POLYNOMIAL_LOW) >>> 0];
    }
    [highs[byte], lows[byte]] = [high, low];
  }
  return [highs, lows];
}
