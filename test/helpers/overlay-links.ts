import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/**
 * Writes what overlay2 keeps beside the files of layers: a short name for each, and the names of those below.
 *
 * @param layers the folders with the files, oldest first
 * @returns the short names
 */
export function linkOverlay(layers: readonly string[]): readonly string[] {
  const names = layers.map((_, i) => `L${i}`.padEnd(26, 'A'));
  for (const [i, layer] of layers.entries()) {
    const folder = dirname(layer);
    const links = join(dirname(folder), 'l');
    mkdirSync(links, { recursive: true });
    symlinkSync(`../${basename(folder)}/diff`, join(links, names[i] as string));
    writeFileSync(join(folder, 'link'), names[i] as string);
    const below = names.slice(0, i).reverse();
    if (below.length > 0) writeFileSync(join(folder, 'lower'), below.map((name) => `l/${name}`).join(':'));
  }
  return names;
}
