import fc from 'fast-check';
import type { RawEntry } from '../helpers/raw-layer.js';
import { type Metadata, metadata, onlyUnusual } from './random-metadata.js';
import { form, named, path, spelling, symlinkTarget } from './random-names.js';

/** Layers, oldest first. */
export type Stack = readonly (readonly RawEntry[])[];

/** An entry that has no name yet. */
type Placed = Omit<RawEntry, 'name'> & { readonly at: string };

interface Draft {
  readonly kind: string;
  readonly path: string;
  readonly target: string;
  /** Chooses a path among those that stand before, and between variants of a kind. */
  readonly pick: number;
  readonly content: string;
  /** Another number for each draft of a stack. */
  readonly count: number;
}

type Kind = readonly [
  weight: number,
  /** @param known a path that stands before, or the draft's own */
  entries: (draft: Draft, known: string) => readonly Placed[],
];

const MARKER_TYPES: readonly Partial<RawEntry>[] = [
  {},
  {},
  { content: 'x' },
  { type: '5' },
  { type: '2', link: 'a' },
  { type: '1', link: 'nowhere' },
  { type: '3' },
  { type: '6', mode: 0 },
];

const KINDS: Readonly<Record<string, Kind>> = {
  file: [14, ({ path, content, pick }, known) => [{ at: pick % 2 ? known : path, content }]],
  directory: [9, ({ path, pick }, known) => [{ at: pick % 2 ? known : path, type: '5' }]],
  symlink: [6, ({ target }, known) => [{ at: known, type: '2', link: target }]],
  hardLink: [8, ({ path, pick }, known) => [{ at: path, type: '1', link: linkName(known, pick) }]],
  hardLinkToTarget: [1, ({ path, target }) => [{ at: path, type: '1', link: target }]],
  chain: [
    4,
    ({ path, pick }, known) => [
      { at: path, type: '1', link: linkName(known, pick) },
      { at: `${path}1`, type: '1', link: path },
    ],
  ],
  whiteout: [10, ({ pick }, known) => [{ at: beside(known), ...markerType(pick) }]],
  whitedOutParent: [2, ({ pick }, known) => turned([{ at: beside(known) }, { at: `${known}/.wh.b` }], pick)],
  madeAnew: [
    2,
    ({ content, pick }, known) =>
      turned([{ at: beside(known) }, { at: known, type: '5' }, { at: `${known}/b`, content }], pick),
  ],
  throughSymlink: [
    2,
    ({ path, content, pick }, known) => [
      { at: path, type: '5' },
      { at: `${known}2`, type: '2', link: pick % 3 ? `/${path}` : upwards(known, path) },
      pick % 2 ? { at: `${known}2/.wh.a` } : { at: `${known}2/a`, content },
    ],
  ],
  parentReplaced: [
    1,
    ({ path, content }, known) => [
      { at: `${path}/a`, content },
      { at: path, type: '2', link: `/${known}` },
      { at: `${path}/b`, content },
    ],
  ],
  linkOverItsTarget: [1, ({ path }, known) => [{ at: known.split('/')[0] ?? path, type: '1', link: known }]],
  opaque: [4, ({ pick }, known) => [{ at: `${known}/.wh..wh..opq`, ...markerType(pick) }]],
  fifo: [1, (_, known) => [{ at: known, type: '6' }]],
  device: [1, (_, known) => [{ at: known, type: '3', device: [1, 3] }]],
  block: [1, (_, known) => [{ at: known, type: '4', device: [259, 70_000] }]],
  nullDevice: [1, (_, known) => [{ at: known, type: '3' }]],
  oldDirectory: [1, (_, known) => [{ at: `${known}/`, type: '\0' }]],
  oldFile: [1, ({ content }, known) => [{ at: known, type: '\0', content }]],
  contiguous: [1, ({ content }, known) => [{ at: known, type: '7', content }]],
  sized: [1, ({ pick }, known) => [{ at: known, type: '526'.charAt(pick % 3), link: 'a', size: 512 }]],
  paxSize: [1, ({ content }, known) => [{ at: known, content, size: 0, pax: [['size', String(content.length)]] }]],
  sparse: [2, ({ content, pick }, known) => [{ at: known, ...sparse(content, pick) }]],
  globalHeader: [1, ({ count }) => [{ at: `global ${count}`, type: 'g', content: '12 mtime=77\n' }]],
  root: [1, ({ pick }) => [{ at: ['./', '/', '.', '', 'a/..'][pick % 5] as string, type: '5' }]],
  rootOpaque: [1, () => [{ at: '.wh..wh..opq' }]],
  bareWhiteout: [1, ({ pick }, known) => [{ at: `${known}/${['.wh.', '.wh..', '.wh...'][pick % 3]}` }]],
  leftover: [1, ({ pick }) => [{ at: `.wh..wh.${['aufs', 'plnk', 'orph'][pick % 3]}`, type: '5' }]],
  leftoverFile: [1, ({ content }) => [{ at: '.wh..wh.plnk/1', content }]],
  badRoot: [1, () => [{ at: '/', type: '2', link: 'a' }]],
  aboveRoot: [1, (_, known) => [{ at: `../${known}` }]],
  tooLong: [1, (_, known) => [{ at: `${'e/'.repeat(2100)}${known}` }]],
};

const draft = fc.record({
  kind: fc.oneof(
    { withCrossShrink: true },
    ...Object.entries(KINDS).map(([kind, [weight]]) => ({ weight: 2 * weight, arbitrary: fc.constant(kind) })),
  ),
  path,
  target: symlinkTarget,
  pick: fc.nat(1000),
  size: fc.constantFrom(1, 1, 0, 5, 511, 512, 513, 1500),
  metadata: fc.oneof(
    { withCrossShrink: true },
    { weight: 1, arbitrary: fc.constant<Metadata>({ mode: 0o644, uid: 0, gid: 0, mtime: 0, pax: [] }) },
    { weight: 2, arbitrary: metadata },
  ),
  spelling,
  form,
});

/** Random layers. Some are such that every engine refuses them: see `withoutRefused`. */
export const randomStack: fc.Arbitrary<Stack> = fc
  .array(fc.array(draft, { maxLength: 12 }), { minLength: 1, maxLength: 4 })
  .map((layers) => {
    const paths: string[] = [];
    let count = 0;
    return layers.map((drafts) =>
      drafts.flatMap(({ kind, size, metadata, spelling, form, ...draft }) => {
        const known = draft.pick % 3 === 0 ? undefined : paths[draft.pick % (paths.length + 1)];
        const content = contentOf(++count, size);
        const placed = (KINDS[kind] as Kind)[1]({ ...draft, kind, content, count }, known ?? draft.path);
        const base = onlyUnusual(metadata);
        return placed.map(({ at, ...entry }) => {
          if (entry.type === 'g') return { name: at, ...entry };
          if (!/\.wh\.|^(\.{0,2}\/|\.?$)|\.\.$/.test(at)) paths.push(at.replace(/\/$/, ''));
          const pax = [...(entry.pax ?? []), ...(base.pax ?? [])];
          return named({ ...base, ...entry, ...(pax.length > 0 && { pax }) }, at, spelling, form);
        });
      }),
    );
  });

/** Different for each entry. */
function contentOf(count: number, size: number): string {
  return size === 0 ? '' : String(count).padEnd(size, `${count},`);
}

function markerType(pick: number): Partial<RawEntry> {
  return MARKER_TYPES[pick % MARKER_TYPES.length] as Partial<RawEntry>;
}

/** A symlink's target that goes up to the root first. */
function upwards(from: string, target: string): string {
  return `${'../'.repeat(from.split('/').length - 1)}${target}`;
}

/** In one order or the other. */
function turned(entries: readonly Placed[], pick: number): readonly Placed[] {
  return pick % 2 ? entries.toReversed() : entries;
}

function beside(path: string): string {
  const slash = path.lastIndexOf('/') + 1;
  return `${path.slice(0, slash)}.wh.${path.slice(slash)}`;
}

function linkName(target: string, pick: number): string {
  return `${['', '/', './', 'zz/..//', '../../'][pick % 11] ?? ''}${target}`;
}

/**
 * A hole, data, a hole, more data, a hole, told by a last stretch of nothing: in each of the forms there are. Source:
 * GNU tar manual, Sparse Formats.
 */
function sparse(data: string, pick: number): Omit<RawEntry, 'name'> {
  const first = data.padEnd(512, 'x').slice(0, 512);
  const size = 2048 + data.length + 100;
  const map = [
    [512, first.length],
    [2048, data.length],
    [size, 0],
  ] as const;
  const content = first + data;
  const numbers = map.flat().map(String);
  switch (pick % 4) {
    case 0: {
      const head = `${['3', ...numbers].join('\n')}\n`.padEnd(512, '\0');
      const version = [['GNU.sparse.major', '1'] as const, ['GNU.sparse.minor', '0'] as const];
      return { content: head + content, pax: [...version, ['GNU.sparse.realsize', String(size)]] };
    }
    case 1: {
      const records = [['GNU.sparse.size', String(size)] as const, ['GNU.sparse.numblocks', '3'] as const];
      return { content, pax: [...records, ['GNU.sparse.map', numbers.join(',')]] };
    }
    case 2: {
      const records = [['GNU.sparse.size', String(size)] as const, ['GNU.sparse.numblocks', '3'] as const];
      const pairs = numbers.map((part, i) => [`GNU.sparse.${i % 2 ? 'numbytes' : 'offset'}`, part] as const);
      return { content, pax: [...records, ...pairs] };
    }
    default:
      return { content, type: 'S', magic: 'gnu', sparse: { map, size } };
  }
}
