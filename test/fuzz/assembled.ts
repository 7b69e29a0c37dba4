import type { TarFiller } from '#dimgx/extract/assembler.js';

/** Smaller than those that dimgx takes for itself: outputs are small, and to make large buffers takes longer than all else. */
const BUFFER = Buffer.alloc(64 * 1024);

/** The whole output. One call at a time. */
export async function assembled(assembler: TarFiller): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (;;) {
    const filled = await assembler.fill(BUFFER);
    if (filled === 0) return Buffer.concat(pieces);
    pieces.push(Buffer.from(BUFFER.subarray(0, filled)));
  }
}
