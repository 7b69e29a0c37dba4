import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { extract } from 'tar-stream';
import { type FlattenOptions, flatten } from '#dimgx/flatten.js';

/** Flattens an image. @returns the contents of its regular files, by name */
export async function flattenedFiles(reference: string, options: FlattenOptions = {}): Promise<Record<string, string>> {
  const target = new PassThrough();
  const entries = target.pipe(extract());
  const flattened = flatten(reference, target, options).catch((failure: Error) => {
    entries.destroy(failure);
  });
  const files: Record<string, string> = {};
  for await (const entry of entries) {
    const contents = await text(Readable.from(entry));
    if (entry.header.type === 'file') files[entry.header.name.replace(/^\.\//, '')] = contents;
  }
  await flattened;
  return files;
}
