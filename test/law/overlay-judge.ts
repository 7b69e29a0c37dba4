import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type RawEntry, rawLayer } from '../helpers/raw-layer.js';
import { runCommand } from '../helpers/run-command.js';
import { listTree, type Tree } from '../helpers/tree.js';
import type { Stack } from './random-stack.js';
import { baseOf, hiddenName, Model, markerOf, newDirectory, pathOf, type Thing, walk } from './reference-model.js';

/** What a layer holds when it is unpacked alone, as overlay engines do it. */
interface Unpacked {
  readonly root: Thing;
  /** Directories that hide what is below them in older layers. */
  readonly opaque: ReadonlySet<Thing>;
}

/**
 * What overlay engines take: each layer can be unpacked by itself. Hard links to older layers and symlinked parents that
 * lead there (rows 2.3, 8.2 of test/conformance) are refused, which is where the families of engines part.
 */
export class OverlayModel {
  readonly #whole = new Model();
  readonly #unpacked: Unpacked[] = [];

  /** @throws Refusal */
  apply(layer: readonly RawEntry[]): void {
    const alone = new Model();
    alone.apply(layer);
    this.#unpacked.push(withMarkers(alone, this.#whole, layer));
    this.#whole.apply(layer);
  }

  /** Oldest first, without what a newer layer hides by an opaque root: overlayfs has no such thing (row 5.4). */
  get layers(): readonly Unpacked[] {
    const opaque = this.#unpacked.findLastIndex(({ root, opaque }) => opaque.has(root));
    return this.#unpacked.slice(Math.max(0, opaque));
  }
}

/**
 * What the kernel shows when the layers, each unpacked by itself, are mounted on one another.
 *
 * @param folder empty; it is empty again afterwards
 */
export async function overlayTree(stack: Stack, folder: string): Promise<Tree> {
  const model = new OverlayModel();
  for (const layer of stack) model.apply(layer);
  const entries = model.layers.flatMap((unpacked, i) => entriesOf(unpacked, String(i)));
  await writeFile(join(folder, 'layers.tar'), rawLayer([...entries, { name: 'empty', type: '5' }]));
  const target = join(folder, 'mounted');
  await mkdir(target);
  const extract = ['-x', '-p', '--xattrs', '--xattrs-include=*', '--numeric-owner', '--warning=no-timestamp'];
  await runCommand('tar', [...extract, '-f', 'layers.tar'], { cwd: folder });
  const lower = [...model.layers.keys()].reverse().join(':');
  await runCommand('mount', ['-t', 'overlay', 'overlay', '-o', `ro,lowerdir=${lower}:empty`, target], { cwd: folder });
  try {
    return await listTree(target);
  } finally {
    await runCommand('umount', [target]);
    await rm(folder, { recursive: true });
    await mkdir(folder);
  }
}

/** Directories whose newest layer has no entry for them: engines give them all kinds of metadata (row 2.2). */
export function openDirectories(stack: Stack): ReadonlySet<string> {
  const model = new OverlayModel();
  for (const layer of stack) model.apply(layer);
  const open = new Set<string>(['.']);
  for (const { root } of model.layers) {
    walk(root, '', (path, { thing }) => {
      if (thing.type === 'directory' && thing.implied) open.add(path);
      else open.delete(path);
    });
  }
  return open;
}

function withMarkers(alone: Model, below: Model, layer: readonly RawEntry[]): Unpacked {
  const opaque = new Set<Thing>();
  walk(alone.root, '', (_, { thing }) => {
    if (thing.fresh) opaque.add(thing);
  });
  const markers = layer.flatMap((marker, i) => {
    const kind = markerOf(marker);
    if (kind === undefined || kind === 'none') return [];
    const directory = below.markerDirectory(layer.slice(0, i), marker);
    return [{ kind, directory, name: hiddenName(marker), depth: directory === '' ? 0 : directory.split('/').length }];
  });
  for (const { kind, directory, name } of markers.sort((a, b) => a.depth - b.depth)) {
    const block = below.blockOf(directory);
    if (isHidden(alone.root, directory, opaque)) continue;
    if (block !== undefined) imply(alone.root, block);
    if (block !== undefined || below.find(directory) === undefined) continue;
    const at = imply(alone.root, directory);
    const own = at?.children.get(name)?.thing;
    if (kind === 'opaque') at && opaque.add(at);
    else if (own?.type === 'directory') opaque.add(own);
    else if (at && !own) at.children.set(name, { thing: whiteout(), layer: 0 });
  }
  dropWhiteouts(alone.root, false, opaque);
  return { root: alone.root, opaque };
}

/** Whether a directory on the way is opaque: then there is nothing left to be hidden, and nothing is made (row 4.3). */
function isHidden(root: Thing, path: string, opaque: ReadonlySet<Thing>): boolean {
  let thing: Thing | undefined = root;
  for (const part of path === '' ? [] : path.split('/')) {
    if (thing && opaque.has(thing)) return true;
    thing = thing?.children.get(part)?.thing;
  }
  return false;
}

/** Below an opaque directory whiteouts hide nothing, and the kernel lists them. */
function dropWhiteouts(directory: Thing, hidden: boolean, opaque: ReadonlySet<Thing>): void {
  const isHidden = hidden || opaque.has(directory);
  for (const [name, { thing }] of directory.children) {
    if (isHidden && thing.device === '0:0') directory.children.delete(name);
    dropWhiteouts(thing, isHidden, opaque);
  }
}

/** The directory of that path, made where it is missing; `undefined` where something else is in the way. */
function imply(root: Thing, path: string): Thing | undefined {
  let directory = root;
  for (const part of path === '' ? [] : path.split('/')) {
    const child = directory.children.get(part)?.thing ?? newDirectory();
    if (child.type !== 'directory') return undefined;
    directory.children.set(part, { thing: child, layer: 0 });
    directory = child;
  }
  return directory;
}

/** How overlayfs wants whiteouts. Source: Linux, Documentation/filesystems/overlayfs.rst. */
function whiteout(): Thing {
  return { ...newDirectory(), type: 'character device', device: '0:0' };
}

function entriesOf({ root, opaque }: Unpacked, folder: string): RawEntry[] {
  const entries: RawEntry[] = [entryOf(root, folder, opaque)];
  const firstNames = new Map<Thing, string>();
  walk(root, '', (path, { thing }) => {
    const name = `${folder}/${path}`;
    const first = firstNames.get(thing);
    entries.push(first === undefined ? entryOf(thing, name, opaque) : { name, type: '1', link: first });
    if (thing.type !== 'directory') firstNames.set(thing, first ?? name);
  });
  return entries;
}

const FLAGS: Readonly<Record<string, string>> = {
  file: '0',
  symlink: '2',
  'character device': '3',
  'block device': '4',
  directory: '5',
  fifo: '6',
};

function entryOf(thing: Thing, name: string, opaque: ReadonlySet<Thing>): RawEntry {
  const [uid, gid] = thing.owner.split(':').map(Number) as [number, number];
  const xattrs = thing.xattrs === '' ? [] : thing.xattrs.split(' ');
  const isOpaque = opaque.has(thing) && baseOf(pathOf({ name })) !== '';
  return {
    name,
    type: FLAGS[thing.type] as string,
    mode: thing.mode,
    uid,
    gid,
    link: thing.target,
    content: thing.content,
    device: (thing.device === '' ? [0, 0] : thing.device.split(':').map(Number)) as [number, number],
    pax: [
      ['mtime', thing.mtime],
      ...xattrs.map((xattr) => {
        const [key, hex = ''] = xattr.split('=0x');
        return [`SCHILY.xattr.${key}`, Buffer.from(hex, 'hex').toString('latin1')] as const;
      }),
      ...(isOpaque ? [['SCHILY.xattr.trusted.overlay.opaque', 'y'] as const] : []),
    ],
  };
}
