/**
 * How a folder of an engine's storage says what the layer does to those below it. Source: Linux,
 * Documentation/filesystems/overlayfs.rst; fuse-overlayfs, main.c.
 */
export type FolderForm =
  /** It is the whole tree. */
  | 'tree'
  /** As overlayfs writes it: attributes `trusted.overlay.*`. */
  | 'overlay'
  /** As overlayfs writes it for users without privileges: attributes `user.overlay.*`. */
  | 'user-overlay'
  /** As fuse-overlayfs writes it. */
  | 'fuse-overlay';

/** The prefixes of the attributes that are marks. Those of a container itself have other names. */
const PREFIXES: Readonly<Record<FolderForm, readonly string[]>> = {
  tree: [],
  overlay: ['trusted.overlay.'],
  'user-overlay': ['user.overlay.'],
  'fuse-overlay': ['user.fuseoverlayfs.', 'user.overlay.', 'trusted.overlay.'],
};

/** The mark that an attribute is; `undefined` if it belongs to the container. */
export function markIn(name: string, form: FolderForm): string | undefined {
  const prefix = PREFIXES[form].find((each) => name.startsWith(each));
  return prefix === undefined ? undefined : name.slice(prefix.length);
}

/** The start of the name of a file that stands for a removed one, where the form has such files. */
export const WHITEOUT = '.wh.';
/** Name of the file that makes the folder it is in opaque. */
export const OPAQUE = '.wh..wh..opq';

/** Whether overlayfs itself sets attributes on every folder that it merges. */
export function hasAttributes(form: FolderForm): boolean {
  return form === 'overlay' || form === 'user-overlay';
}

/** Whether files named `.wh.*` are marks. Otherwise they are ordinary files. */
export function hasWhiteoutFiles(form: FolderForm): boolean {
  return form === 'fuse-overlay';
}
