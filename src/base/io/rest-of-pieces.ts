/** Maximum number of pieces in one vectored read or write. Source: POSIX, IOV_MAX, which is 1024 on Linux. */
export const MAX_PIECES = 512;

/** The pieces that remain after `done` bytes have been read or written. */
export function restOfPieces<Piece extends Uint8Array>(pieces: readonly Piece[], done: number): Piece[] {
  let left = done;
  return pieces.flatMap((piece) => {
    const gone = Math.min(left, piece.length);
    left -= gone;
    return gone === piece.length ? [] : [piece.subarray(gone) as Piece];
  });
}
