import { requireThat } from '../check-options.js';
import type { TarVisitor } from '../tar/passing-tar.js';
import { type CopySource, Landings } from './landings.js';
import { checkLandings, findTarget } from './target.js';
import { TreeWriter, type UnpackResult, type WriterOptions } from './tree-writer.js';

export interface UnpackOptions extends WriterOptions {
  /** A directory that the copies go into, or the path of the only copy. */
  readonly dest: string;
  /** What to copy. One inside another is copied with that one, once. */
  readonly sources: readonly CopySource[];
  /** Copies keep their whole paths; the directories above them are copied too. Default false. */
  readonly parents?: boolean | undefined;
}

/** A copy under way. At the end, either `finish` or `discard` is called, after a failure of `finish` too. */
export interface Unpacking {
  /** Takes the entries of the tar. Those that belong to no source are left out. */
  readonly visitor: TarVisitor;
  /** Called once the whole tar has passed. */
  finish(): Promise<UnpackResult>;
  /** Called after a failure: removes what was made, and restores what was replaced. */
  discard(): Promise<void>;
}

/**
 * Copies files, directories and links of an output tar to a directory, as `cp -r` would. The caller owns the copies.
 * Permissions are kept without set-uid, set-gid and sticky, and times to less than a microsecond. Hard links between
 * copies stay hard links, and holes stay holes. Devices and FIFOs are left out. An existing directory is kept as it is,
 * and copied into. Nothing is written through a symlink below the target, even if others change what is there meanwhile.
 *
 * Checks the target before anything is copied. The visitor and `finish` throw what this does, and DIMGX_ABORTED,
 * DIMGX_TARGET_NO_SPACE and DIMGX_ENTRY_BAD_LINK.
 *
 * @throws DIMGX_OPTION_INVALID, DIMGX_TARGET_EXISTS, DIMGX_TARGET_UNWRITABLE, DIMGX_TOO_MANY_FILES
 */
export async function unpackTar(options: UnpackOptions): Promise<Unpacking> {
  const { dest, sources, parents = false, force = false } = options;
  requireThat(sources.length > 0, 'the sources', 'at least one path', sources);
  const target = findTarget(dest, sources.length > 1 || parents);
  try {
    const landings = new Landings(sources, { name: target.name, parents });
    checkLandings(target, landings, force);
    const writer = new TreeWriter(target, landings, options);
    return { visitor: writer, finish: () => writer.finish(), discard: () => writer.discard() };
  } catch (failure) {
    target.root.close();
    throw failure;
  }
}
