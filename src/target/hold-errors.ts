import type { Writable } from 'node:stream';

/**
 * Keeps a stream that fails before it is written to, such as a file that could not be opened, from ending the process.
 * Whoever writes to it then is told.
 *
 * @returns what lets go of the stream
 */
export function holdErrors(target: string | Writable): () => void {
  if (typeof target === 'string') return () => {};
  const ignore = () => {};
  target.on('error', ignore);
  return () => void target.removeListener('error', ignore);
}
