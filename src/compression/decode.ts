import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DimgxError } from '../errors.js';

/**
 * Runs bytes through a decoder into a sink. What source or sink refuse is thrown as they refused it: a pipeline would
 * report that the decoder was cut off, which it is then too.
 *
 * @param what is decoded, printable, for the message
 * @throws DIMGX_COMPRESSION_CORRUPT; the coded errors of `source` and `sink`
 */
export async function decode(
  source: AsyncIterable<Uint8Array>,
  decoder: Transform,
  sink: (pieces: AsyncIterable<Buffer>) => Promise<void>,
  what: string,
): Promise<void> {
  let refusal: DimgxError | undefined;
  const keep = (error: unknown): never => {
    if (error instanceof DimgxError) refusal ??= error;
    throw error;
  };
  try {
    await pipeline(
      Readable.from(watched(source, keep), { highWaterMark: 1 }),
      decoder,
      (pieces: AsyncIterable<Buffer>) => sink(pieces).catch(keep),
    );
  } catch (cause) {
    if (refusal) throw refusal;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DimgxError('DIMGX_COMPRESSION_CORRUPT', `${what} is damaged or ends too early: ${reason}`, { cause });
  }
}

async function* watched(source: AsyncIterable<Uint8Array>, keep: (error: unknown) => never) {
  try {
    yield* source;
  } catch (error) {
    keep(error);
  }
}
