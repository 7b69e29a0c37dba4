import { componentEnd } from '../tar/path.js';
import { latin1 } from '../tar/pax.js';

const SHORT_ID = 12;

const FOLDER = /^(layer-([1-9]\d{0,8})(?:-[0-9a-f]{1,12})?)(?:-entry-([1-9]\d{0,14}))?$/;

/** IDs of a layer. The folder of one without any, as in archives of 2015, has only its number. */
interface LayerIds {
  readonly diffId?: string | undefined;
  readonly digest?: string | undefined;
  readonly legacyId?: string | undefined;
}

/** Name of the folder of a layer in a tar of hidden versions: `layer-N-DIFFID12`. @param number counted from 1, the base */
export function layerFolder(number: number, { diffId, digest, legacyId }: LayerIds): string {
  const id = diffId ?? digest ?? legacyId ?? '';
  const short = id.slice(id.indexOf(':') + 1).slice(0, SHORT_ID);
  return `layer-${number}${short && `-${short}`}`;
}

/** What the path of a hidden version in its tar says. */
export interface HiddenPath {
  /** Number of the layer. */
  readonly layer: number;
  /** The folder of the layer, see `layerFolder`. */
  readonly folder: string;
  /** Number of the entry in the layer, counted from 1, if the version has a folder of its own. */
  readonly entry: number | undefined;
  /** Path in the image. */
  readonly path: Uint8Array;
}

/** @returns `undefined` if the path is in no folder of a layer */
export function readHiddenPath(path: Uint8Array): HiddenPath | undefined {
  const end = componentEnd(path, 0);
  const [, folder, layer, entry] = FOLDER.exec(latin1(path.subarray(0, end))) ?? [];
  if (folder === undefined) return undefined;
  const number = entry === undefined ? undefined : Number(entry);
  return { layer: Number(layer), folder, entry: number, path: path.subarray(end + 1) };
}
