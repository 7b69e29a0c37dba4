import { createHash } from 'node:crypto';
import type { ErrorCode, WarningCode } from '#dimgx/errors.js';
import type { RawEntry } from '../helpers/raw-layer.js';
import type { Tree } from '../helpers/tree.js';

/** One rule of how layers apply, by example. */
export interface Case {
  /** Section and number in the rules, and what it says. */
  readonly row: string;
  /** Oldest first. */
  readonly layers: readonly (readonly RawEntry[])[];
  /** As `shownTree` shows it, written by hand; or why the image is refused. */
  readonly tree: readonly string[] | ErrorCode;
  /** In order. Default: none. */
  readonly warnings?: readonly WarningCode[];
  /** Which layers, by number, earlier wins. Default: all, newest first. */
  readonly select?: readonly number[];
}

type More = Omit<RawEntry, 'name' | 'type' | 'content' | 'link'>;

export const file = (name: string, content = '', more: More = {}): RawEntry => ({ name, content, ...more });
export const dir = (name: string, more: More = {}): RawEntry => ({ name, type: '5', mode: 0o755, ...more });
export const symlink = (name: string, link: string, more: More = {}): RawEntry => ({ name, type: '2', link, ...more });
export const hardLink = (name: string, link: string, more: More = {}): RawEntry => ({ name, type: '1', link, ...more });

/**
 * A line for each name, in byte order: `a=CONTENTS`, `d/`, `l->TARGET`, `b==FIRST` for a further name of one inode, and
 * what is not as usual: mode (0644, of a directory 0755), owner (0:0), time (0), xattrs (none).
 */
export function shownTree(tree: Tree, layers: Case['layers']): string[] {
  const contents = new Map(layers.flat().map(({ content = '' }) => [sha256(content), content]));
  return [...tree.keys()].sort().map((path) => {
    const {
      type,
      mode,
      owner,
      mtime,
      target,
      device,
      xattrs,
      sameFileAs,
      sha256: sum,
    } = tree.get(path) as NonNullable<ReturnType<Tree['get']>>;
    const kinds: Readonly<Record<string, string>> = {
      file: `${path}=${contents.get(sum) ?? sum}`,
      directory: `${path}/`,
      symlink: `${path}->${target}`,
      fifo: `${path}|`,
    };
    const name =
      sameFileAs !== '' && sameFileAs !== path ? `${path}==${sameFileAs}` : (kinds[type] ?? `${path} ${device}`);
    const usual = { directory: '0755', symlink: '0777' }[type] ?? '0644';
    const odd = [mode === usual ? '' : mode, owner === '0:0' ? '' : owner, Number(mtime) === 0 ? '' : mtime, xattrs];
    return [name, ...odd.filter((text) => text !== '')].join(' ');
  });
}

function sha256(content: string): string {
  return createHash('sha256').update(content, 'latin1').digest('hex');
}
