import { closeSync, existsSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** In memory, where there is such a folder: there a file that is written anew for every input costs next to nothing. */
const FOLDER = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** A file that holds one input after another. */
export class ScratchFile {
  #opened: { readonly folder: string; readonly path: string; readonly fd: number } | undefined;

  get path(): string {
    return this.#open().path;
  }

  get fd(): number {
    return this.#open().fd;
  }

  /** Writes from the start, over what was there. What an older input left behind that stays. */
  write(parts: readonly Uint8Array[]): void {
    let at = 0;
    for (const part of parts) at += part.length === 0 ? 0 : writeSync(this.fd, part, 0, part.length, at);
  }

  /** Makes of it what is given, and nothing else. */
  replace(bytes: Uint8Array): void {
    ftruncateSync(this.fd);
    this.write([bytes]);
  }

  close(): void {
    if (!this.#opened) return;
    closeSync(this.#opened.fd);
    rmSync(this.#opened.folder, { recursive: true });
    this.#opened = undefined;
  }

  #open() {
    if (this.#opened) return this.#opened;
    const folder = mkdtempSync(join(FOLDER, 'dimgx-fuzz-'));
    const path = join(folder, 'input.tar');
    this.#opened = { folder, path, fd: openSync(path, 'w+') };
    return this.#opened;
  }
}
