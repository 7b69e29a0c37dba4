import { withCall } from '../base/call/call.js';
import { withResources } from '../base/io/resources.js';
import { checkOptions, checkTmpDir, requireThat } from '../check-options.js';
import type { Warning } from '../errors.js';
import type { ImageList, OpenContext } from '../image/image.js';
import type { OpenOptions } from '../options.js';
import { checkMirrors } from '../reference/image-name.js';
import { checkBlobFolders } from './files/files-with-blobs.js';
import { locate } from './locate.js';
import { parseReference } from './reference.js';
import { contextOf, withCode } from './resolve.js';
import { type Listed, prefixOf, type Source } from './source.js';
import { SOURCES } from './sources.js';

/** The options of `listImages`. The other options of `openImage` choose an image, or concern its layers. */
export type ListOptions = Omit<OpenOptions, 'image' | 'platform' | 'pull' | 'jobs' | 'allowForeignLayers'>;

/**
 * Lists everything in an archive, a layout, a directory or an engine, or under a name in a registry: images, indexes,
 * and what is stored beside them, whether it can be read or not. Layers are not read.
 *
 * @param reference as in `openImage`; `docker-daemon:` alone stands for all images of the engine
 * @throws as `openImage`
 */
export async function listImages(reference: string, options: ListOptions = {}): Promise<ImageList> {
  requireThat(typeof reference === 'string', 'the reference', 'a string', reference);
  checkOptions(options);
  checkMirrors(options.mirrors);
  return withCall(options, async (stageOptions) => {
    try {
      await checkTmpDir(options.tmpDir);
      await checkBlobFolders(options.blobs ?? []);
      const listed = await withResources((resources) => {
        return list(reference, stageOptions, contextOf(stageOptions, resources));
      });
      return { reference, ...listed };
    } catch (failure) {
      throw withCode(failure, reference, stageOptions.signal);
    }
  });
}

async function list(reference: string, options: ListOptions, context: OpenContext): Promise<Listed> {
  const whole = SOURCES.find(({ usages }: Source) => usages.some((usage) => prefixOf(usage) === reference));
  if (whole && 'listAll' in whole) return whole.listAll(options, context);
  const warnOnly = (warning: Warning) => options.onWarning?.(warning);
  const place = await locate(parseReference(reference), context, warnOnly);
  return place.list(options);
}
