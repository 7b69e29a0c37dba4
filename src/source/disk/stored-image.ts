import { printable, quoted } from '../../base/text/printable.js';
import { DimgxError } from '../../errors.js';
import { checkDigest } from '../../image/checks.js';
import { ownProblem } from '../../image/choose/examine-manifest.js';
import { type ParsedConfig, parseConfig } from '../../image/config.js';
import type { Layer, LayerOrigin } from '../../image/layer.js';
import { DOCKER_LAYER_TYPE } from '../../image/manifest.js';
import type { Digest } from '../../reference/digest.js';
import { describeLayers } from '../form/assemble-image.js';
import type { FoundImage } from '../form/form.js';
import type { StoreImage, StoreLayer } from './store.js';
import type { StoreFiles } from './store-files.js';

/** @throws DIMGX_SOURCE_MISSING_BLOB, DIMGX_IMAGE_DIGEST_MISMATCH, DIMGX_IMAGE_BAD_JSON */
export function readConfig(files: StoreFiles, { config: path, ids: [id] }: StoreImage, verify: boolean): ParsedConfig {
  const bytes = files.read(path);
  if (!bytes) {
    const message = `${quoted(path)} is not in ${files.location}: the image is being removed, or was never complete`;
    throw new DimgxError('DIMGX_SOURCE_MISSING_BLOB', message);
  }
  const digest: Digest = `sha256:${id}`;
  if (verify) checkDigest(bytes, digest, `the config ${printable(path, 200)}`);
  return parseConfig(bytes, `the config ${digest}`);
}

/** The same for listings. @returns the error, if it concerns only this image */
export function ownConfig(files: StoreFiles, image: StoreImage, verify: boolean): Promise<ParsedConfig | DimgxError> {
  return ownProblem({ size: 0 }, async () => readConfig(files, image, verify));
}

/** The config of an image of which an engine has kept only the layers. */
export function configOfLayers(diffIds: readonly Digest[]): ParsedConfig {
  const document = { rootfs: { type: 'layers', diff_ids: diffIds } };
  return { ...parseConfig(Buffer.from(JSON.stringify(document)), 'what is left of the config'), bytes: undefined };
}

/** @param id of the image, if it is known */
export function foundStored(
  { id, tags }: Pick<FoundImage, 'id' | 'tags'>,
  config: ParsedConfig,
  places: readonly (StoreLayer | DimgxError)[],
  origins: readonly (readonly LayerOrigin[])[],
): FoundImage {
  const newest = places.length - 1;
  const layers = places.map((place, i) => ({
    file: place instanceof DimgxError ? '' : place.folder,
    mediaType: DOCKER_LAYER_TYPE,
    ...(i === newest && id !== '' ? { imageId: id, tags } : { tags: [] }),
    ...((origins[i]?.length ?? 0) > 0 && { origins: origins[i] as readonly LayerOrigin[] }),
    ...(place instanceof DimgxError && { problem: place }),
  }));
  return { id, tags, config, layers };
}

/** The layers of such an image. */
export function storedLayers(found: FoundImage, places: readonly (StoreLayer | DimgxError)[]): readonly Layer[] {
  return describeLayers(found).map((layer, i): Layer => {
    const place = places[i];
    const size = place === undefined || place instanceof DimgxError ? undefined : place.size;
    return Object.freeze({ ...layer, ...(size !== undefined && { claimedContentSize: size }) });
  });
}
