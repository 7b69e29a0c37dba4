import { quoted } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import type { Layer } from '../image/image.js';

/** A layer that its maker offers elsewhere. */
export interface ForeignLayer {
  readonly layer: Layer;
  readonly urls: readonly string[];
}

/**
 * Explains why a layer that its maker does not let others distribute cannot be read.
 *
 * @param layer its digest or name, printable
 * @param urls where its maker offers it
 * @param place where it was not found, printable
 */
export function foreignProblem(layer: string, urls: readonly string[], place: string): DimgxError {
  const [url] = downloadUrls(urls);
  const offered =
    url === undefined
      ? 'its manifest does not say where it is: save or copy the image with it'
      : `its manifest says that it is at ${quoted(url.href)}: --allow-foreign-layers fetches it`;
  return new DimgxError(
    'DIMGX_SOURCE_FOREIGN_LAYER',
    `the layer ${layer} is a foreign layer, which its maker does not let others distribute, and is not in ${place}; ${offered}`,
  );
}

/** The URLs that a layer can be downloaded from, in order. */
export function downloadUrls(urls: readonly string[]): readonly URL[] {
  return urls
    .filter((each) => URL.canParse(each))
    .map((each) => new URL(each))
    .filter(({ protocol }) => /^https?:$/.test(protocol));
}
