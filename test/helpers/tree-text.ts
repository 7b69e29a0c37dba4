import { createHash } from 'node:crypto';
import type { Tree, TreeEntry } from './tree.js';

const WORDS: Readonly<Record<string, string>> = { 'character device': 'character', 'block device': 'block' };

const IMPLIED: TreeEntry = {
  ...{ type: 'directory', mode: '0755', owner: '0:0', size: '', mtime: '0.000000000' },
  ...{ target: '', device: '', xattrs: '', sameFileAs: '', sha256: '' },
};

/**
 * The text of a tree by docs/tree-digest.md, without any code of this project: from a tree on a disk (`listTree`), from
 * a tar (`treeOfTar`) or from the model of the law.
 */
export function treeText(tree: Tree): string {
  const whole = new Map(tree.has('.') ? tree : [['.', IMPLIED] as const, ...tree]);
  const keyOf = (path: string) => (path === '.' ? '' : path.replaceAll('/', '\0'));
  const paths = [...whole.keys()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const firstNames = new Map<string, string>();
  const lines = paths.map((path) => {
    const entry = whole.get(path) as TreeEntry;
    const first = entry.sameFileAs === '' ? undefined : firstNames.get(entry.sameFileAs);
    if (first !== undefined) return `link ${quote(path)} ${quote(first)}`;
    if (entry.sameFileAs !== '') firstNames.set(entry.sameFileAs, path);
    return lineOf(path, entry);
  });
  return ['dimgx-tree 1', ...lines].map((line) => `${line}\n`).join('');
}

export function treeDigest(tree: Tree): string {
  return `sha256:${createHash('sha256').update(treeText(tree)).digest('hex')}`;
}

function lineOf(path: string, { type, mode, owner, mtime, target, device, xattrs, sha256 }: TreeEntry): string {
  const [uid, gid] = owner.split(':');
  const [seconds = '', nanos = ''] = mtime.split('.');
  const time = BigInt(seconds) * 10n ** 9n + BigInt(nanos);
  const attributes = xattrs === '' ? [] : xattrs.split(' ').map(xattrField);
  const fields = [WORDS[type] ?? type, quote(path), mode, uid, gid, time, ...attributes];
  if (type === 'file') fields.push(sha256);
  else if (type === 'symlink') fields.push(quote(target));
  else if (device !== '') fields.push(device);
  return fields.join(' ');
}

/** `name=0xHEX`, as `listTree` has it. Names that hold spaces or `=` are not supported there. */
function xattrField(xattr: string): string {
  const [name = '', hex = ''] = xattr.split('=0x');
  return `${quote(name)}=${quote(Buffer.from(hex, 'hex').toString('latin1'))}`;
}

/** Each byte as a character. */
function quote(text: string): string {
  const encode = (character: string) => `%${Buffer.from(character, 'latin1').toString('hex').toUpperCase()}`;
  return [...text].map((character) => (/[\w.~/-]/.test(character) ? character : encode(character))).join('');
}
