import { handledLater } from '../../base/call/deferred.js';
import { PassingTar } from '../../tar/passing-tar.js';
import type { TarFiller } from '../assembler.js';
import { type EntryWatcher, HashedEntries } from './hashed-entries.js';

/**
 * The same tar, with watchers that see each entry as it passes by. They are told of the end only once all layers are
 * verified, because the assembler holds the end mark back until then. A buffer that stays intact is watched while the next
 * one is read.
 */
export function watchedTar(
  tar: TarFiller,
  watchers: readonly EntryWatcher[],
  signal: AbortSignal | undefined,
): TarFiller {
  if (watchers.length === 0) return tar;
  const passing = new PassingTar(new HashedEntries(watchers, signal));
  let hasEnded = false;
  let unwatched: Uint8Array | undefined;
  const watch = async (bytes: Uint8Array) => {
    await passing.push(bytes);
    for (const watcher of watchers) await watcher.flush?.();
  };
  return {
    onClose: (listener) => tar.onClose(listener),
    close: () => tar.close(),
    async fill(buffer, staysIntact = false) {
      const filling = handledLater(tar.fill(buffer));
      if (unwatched) await watch(unwatched);
      const filled = await filling;
      const bytes = buffer.subarray(0, filled);
      unwatched = staysIntact && filled > 0 ? bytes : undefined;
      if (!unwatched) await watch(bytes);
      if (filled === 0 && passing.ended && !hasEnded) {
        hasEnded = true;
        for (const watcher of watchers) watcher.end?.();
      }
      return filled;
    },
  };
}
