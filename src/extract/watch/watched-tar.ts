import { PassingTar } from '../../tar/passing-tar.js';
import type { TarFiller } from '../assembler.js';
import { type EntryWatcher, HashedEntries } from './hashed-entries.js';

/**
 * The same tar, with watchers that see each entry as it passes by. They are told of the end only once all layers are
 * verified, because the assembler holds the end mark back until then. Each buffer is watched when it is filled, so the
 * buffer before it is written meanwhile.
 */
export function watchedTar(
  tar: TarFiller,
  watchers: readonly EntryWatcher[],
  signal: AbortSignal | undefined,
): TarFiller {
  if (watchers.length === 0) return tar;
  const passing = new PassingTar(new HashedEntries(watchers, signal));
  let hasEnded = false;
  return {
    onClose: (listener) => tar.onClose(listener),
    close: () => tar.close(),
    async fill(buffer) {
      const filled = await tar.fill(buffer);
      await passing.push(buffer.subarray(0, filled));
      for (const watcher of watchers) await watcher.flush?.();
      if (filled === 0 && passing.ended && !hasEnded) {
        hasEnded = true;
        for (const watcher of watchers) watcher.end?.();
      }
      return filled;
    },
  };
}
