import type { Random } from '../fuzz/random.js';
import type { RawEntry } from '../helpers/raw-layer.js';
import { readTar } from '../helpers/raw-tar.js';
import { named } from './random-names.js';
import type { Item } from './relayered.js';
import { type Thing, walk } from './thing.js';

/** The entries of a flat tar, byte for byte. */
export async function itemsOfTar(tar: Buffer): Promise<readonly Item[]> {
  const plain = (name: string) => name.replace(/^\.\//, '').replace(/\/$/, '');
  const entries = await readTar(tar);
  const targets = new Set(entries.filter(({ type }) => type === LINK).map(({ link }) => plain(link)));
  return entries.map(({ name, link, type, start, end }) => ({
    path: plain(name),
    ...(type === LINK && { target: plain(link) }),
    isShared: type === DIRECTORY || targets.has(plain(name)),
    entry: tar.subarray(start, end),
  }));
}

const LINK = '1'.charCodeAt(0);
const DIRECTORY = '5'.charCodeAt(0);

const TYPES = {
  file: '0',
  'hard link': '1',
  symlink: '2',
  'character device': '3',
  'block device': '4',
  directory: '5',
  fifo: '6',
} as const;

const FORMS = ['plain', 'pax', 'long', 'both', 'prefix', 'gnu', 'v7', 'gnu times', 'empty pax'] as const;
const SPELLINGS = ['P', './P', '/P', 'PD'] as const;

/** The tree of the reference model, each entry with a header of some dialect. */
export function itemsOfModel(root: Thing, random: Random): readonly Item[] {
  const firstNames = new Map<Thing, string>();
  const items: Item[] = [];
  if (root.described)
    items.push({ path: '', isShared: true, entry: { name: './', type: '5', ...fields(root, random) } });
  walk(root, '', (path, { thing }) => {
    const target = firstNames.get(thing);
    const isDirectory = thing.type === 'directory';
    if (target === undefined && !isDirectory) firstNames.set(thing, path);
    const isUnnamed = !thing.described && isDirectory && thing.children.size > 0;
    if (isUnnamed && random(2) === 0) return;
    const common = fields(thing, random);
    const entry =
      target === undefined
        ? { ...common, ...contents(thing, random) }
        : { ...common, type: TYPES['hard link'], link: target };
    const form = FORMS[random(FORMS.length)] as (typeof FORMS)[number];
    const spelling = SPELLINGS[random(SPELLINGS.length)] as string;
    items.push({
      path,
      ...(target !== undefined && { target }),
      isShared: true,
      entry: named(entry, path, spelling, form),
    });
  });
  return items;
}

function fields({ mode, owner, mtime, xattrs, type }: Thing, random: Random): Omit<RawEntry, 'name'> {
  const [uid = 0, gid = 0] = owner.split(':').map(Number);
  const [seconds = '', nanos = ''] = mtime.split('.');
  const time = BigInt(seconds) * 10n ** 9n + BigInt(nanos);
  const pax: [string, string][] = xattrs
    .split(' ')
    .filter((xattr) => xattr !== '')
    .map((xattr) => xattr.split('=0x') as [string, string])
    .map(([name, hex]) => [`SCHILY.xattr.${name}`, Buffer.from(hex, 'hex').toString('latin1')]);
  if (nanos !== '000000000' || random(4) === 0) pax.push(['mtime', decimal(time)]);
  const hasPaxOwner = random(4) === 0;
  if (hasPaxOwner) pax.push(['uid', String(uid)], ['gid', String(gid)]);
  if (random(4) === 0) pax.push(['atime', '5.5'], ['uname', 'somebody']);
  return {
    mode: type === 'symlink' ? random(0o10000) : mode,
    ...(hasPaxOwner ? {} : { uid, gid }),
    mtime: Number(seconds),
    ...(pax.length > 0 && { pax }),
  };
}

/** Nanoseconds as decimal seconds. */
function decimal(time: bigint): string {
  const digits = String(time < 0n ? -time : time).padStart(10, '0');
  return `${time < 0n ? '-' : ''}${digits.slice(0, -9)}.${digits.slice(-9)}`;
}

/** Contents are stored whole, or as a sparse file of one stretch. */
function contents({ type, content, target, device }: Thing, random: Random): Partial<RawEntry> {
  if (type === 'symlink') return { type: TYPES.symlink, link: target };
  if (type !== 'file')
    return { type: TYPES[type], ...(device !== '' && { device: device.split(':').map(Number) as [number, number] }) };
  const size = content.length;
  if (size === 0 || random(3) > 0) return { content };
  return { content, type: 'S', magic: 'gnu', sparse: { map: [[0, size]], size } };
}
