import fc from 'fast-check';
import type { RawEntry } from '../helpers/raw-layer.js';
import { Model, Refusal } from './reference-model.js';

/** Layers, oldest first. */
export type Stack = readonly (readonly RawEntry[])[];

const LONG = 'n'.repeat(120);
const LONGER = 'm'.repeat(250);

/** Few, so that paths often meet; some of them odd. */
const component = fc.oneof(
  { weight: 40, arbitrary: fc.constantFrom('a', 'b', 'c') },
  { weight: 4, arbitrary: fc.constantFrom('..a', 'a..', '...', '.wh', '.whx', 'a.wh.b', '.WH.a', '.hidden') },
  { weight: 4, arbitrary: fc.constantFrom('x\ny', '\xff\xfe', '\xc3\xa9', ' ', '-x', 'b\\c', '*', '"', LONG, LONGER) },
);

const path = fc.oneof(
  { weight: 5, arbitrary: component },
  { weight: 5, arbitrary: fc.tuple(component, component).map((parts) => parts.join('/')) },
  { weight: 2, arbitrary: fc.tuple(component, component, component).map((parts) => parts.join('/')) },
);

/** Spellings of one path; `D` stands for where a directory's slash goes. */
const spelling = fc.oneof(
  { weight: 10, arbitrary: fc.constant('P') },
  { weight: 4, arbitrary: fc.constantFrom('./P', '/P', 'PD', './PD') },
  { weight: 1, arbitrary: fc.constantFrom('./zz/../P', 'zz//..//P', '//P', './/P', 'P/.', '././P') },
);

/** How a name is stored. */
const form = fc.constantFrom('plain', 'plain', 'plain', 'plain', 'pax', 'long', 'both', 'prefix', 'gnu', 'v7');

const symlinkTarget = fc.oneof(
  path,
  path.map((target) => `/${target}`),
  path.map((target) => `../${target}`),
  fc.constantFrom('.', '/', '..', '../../../../a', 'nowhere', '/a/../b', 'a//b/.', LONG.repeat(2)),
);

const xattrs = fc.oneof(
  { weight: 6, arbitrary: fc.constant([]) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      [['SCHILY.xattr.trusted.t', 'v\n=\0\xff'] as const],
      [['SCHILY.xattr.trusted.t', 'w'] as const, ['SCHILY.xattr.trusted.u', ''] as const],
      [['SCHILY.xattr.trusted.overlay.opaque', 'y'] as const, ['SCHILY.xattr.trusted.t', '1'] as const],
      [['SCHILY.xattr.user.t', 'x'] as const, ['SCHILY.devmajor', '9'] as const],
      [['LIBARCHIVE.xattr.trusted.l', 'eA=='] as const, ['uname', '\xff'] as const, ['VENDOR.x', ''] as const],
    ),
  },
);

const metadata = fc.record({
  mode: fc.constantFrom(0o644, 0o755, 0o4755, 0o1777, 0, 0o600, 0o100644),
  uid: fc.constantFrom(0, 0, 0, 1000, 3_000_000, 4_000_000_000),
  gid: fc.constantFrom(0, 0, 1000),
  mtime: fc.constantFrom(0, 1, 1_500_000_000, 9_000_000_000),
  fraction: fc.constantFrom('', '', '', '.5', '.999999999', '.000000001'),
  xattrs,
});

const kind = fc.oneof(
  { weight: 12, arbitrary: fc.constant('file') },
  { weight: 9, arbitrary: fc.constant('directory') },
  { weight: 6, arbitrary: fc.constant('symlink') },
  { weight: 8, arbitrary: fc.constant('hard link') },
  { weight: 8, arbitrary: fc.constant('whiteout') },
  { weight: 4, arbitrary: fc.constant('opaque') },
  {
    weight: 6,
    arbitrary: fc.constantFrom('fifo', 'device', 'block', 'null device', 'old directory', 'old file', 'contiguous'),
  },
  { weight: 2, arbitrary: fc.constantFrom('root', 'root opaque', 'bare whiteout', 'aufs', 'aufs file') },
);

interface Draft {
  readonly kind: string;
  readonly path: string;
  readonly spelling: string;
  readonly form: string;
  readonly target: string;
  readonly metadata: {
    readonly mode: number;
    readonly uid: number;
    readonly gid: number;
    readonly mtime: number;
    readonly fraction: string;
    readonly xattrs: readonly (readonly [string, string])[];
  };
  /** Chooses, for paths of hard links, whiteouts and some others, among those that stand before; 0: none of them. */
  readonly pick: number;
  readonly size: number;
}

const draft: fc.Arbitrary<Draft> = fc.record({
  kind,
  path,
  spelling,
  form,
  target: symlinkTarget,
  metadata,
  pick: fc.nat(1000),
  size: fc.constantFrom(0, 0, 1, 5, 511, 512, 513, 1500),
});

/** Random layers. Some are such that every engine refuses them: see `withoutRefused`. */
export const randomStack: fc.Arbitrary<Stack> = fc
  .array(fc.array(draft, { minLength: 0, maxLength: 12 }), { minLength: 1, maxLength: 4 })
  .map((layers) => {
    const paths: string[] = [];
    let count = 0;
    return layers.map((drafts) => drafts.map((draft) => entryOf(draft, paths, String(count++))));
  });

/** The stack without the entries for which the model refuses it. */
export function withoutRefused(stack: Stack, model: () => { apply(layer: readonly RawEntry[]): void }): Stack {
  const kept: (readonly RawEntry[])[] = [];
  for (let layer of stack) {
    for (;;) {
      const attempt = model();
      for (const below of kept) attempt.apply(below);
      try {
        attempt.apply(layer);
        break;
      } catch (refusal) {
        if (!(refusal instanceof Refusal)) throw refusal;
        layer = layer.toSpliced(refusal.entry, 1);
      }
    }
    kept.push(layer);
  }
  return kept;
}

export function newModel(): Model {
  return new Model();
}

function entryOf(draft: Draft, paths: string[], content: string): RawEntry {
  const known = draft.pick % 3 === 0 ? undefined : paths[draft.pick % (paths.length + 1)];
  const { mode, uid, gid, mtime, fraction, xattrs: attributes } = draft.metadata;
  const time = fraction === '' ? [] : [['mtime', `${mtime}${fraction}`] as const];
  const base = { mode, uid, gid, mtime };
  const pax = [...time, ...attributes];
  const fileContent = content.padEnd(draft.size, `${content},`).slice(0, Math.max(draft.size, 0));
  const at = (entry: Omit<RawEntry, 'name'>, path = known ?? draft.path) => {
    paths.push(path);
    return spelled({ ...base, ...entry }, path, draft, pax);
  };
  switch (draft.kind) {
    case 'file':
      return at({ content: fileContent }, draft.pick % 2 === 0 ? draft.path : undefined);
    case 'directory':
      return at({ type: '5' }, draft.pick % 2 === 0 ? draft.path : undefined);
    case 'symlink':
      return at({ type: '2', link: draft.target });
    case 'hard link':
      return spelled(
        { ...base, type: '1', link: linkName(known ?? draft.target, draft.spelling) },
        draft.path,
        draft,
        pax,
      );
    case 'whiteout':
      return { ...base, name: beside(known ?? draft.path, '.wh.') };
    case 'opaque':
      return { ...base, name: `${draft.pick % 2 === 0 ? './' : ''}${known ?? draft.path}/.wh..wh..opq` };
    case 'fifo':
      return at({ type: '6' });
    case 'device':
      return at({ type: '3', device: [1, 3] });
    case 'block':
      return at({ type: '4', device: [259, 70_000] });
    case 'null device':
      return { ...base, name: known ?? draft.path, type: '3' };
    case 'old directory':
      return { ...base, name: `${LONG.slice(0, 3)}/`, type: '\0' };
    case 'old file':
      return at({ type: '\0', content: fileContent });
    case 'contiguous':
      return at({ type: '7', content: fileContent });
    case 'root':
      return { ...base, ...(pax.length > 0 && { pax }), name: draft.pick % 2 === 0 ? './' : '/', type: '5' };
    case 'root opaque':
      return { ...base, name: '.wh..wh..opq' };
    case 'bare whiteout':
      return { ...base, name: `${draft.path}/${['.wh.', '.wh..', '.wh...'][draft.pick % 3]}` };
    case 'aufs':
      return { ...base, name: '.wh..wh.aufs' };
    default:
      return { ...base, name: `.wh..wh.plnk/${draft.pick}`, content: fileContent };
  }
}

function beside(path: string, prefix: string): string {
  const slash = path.lastIndexOf('/') + 1;
  return `${path.slice(0, slash)}${prefix}${path.slice(slash)}`;
}

function linkName(target: string, style: string): string {
  return style === 'PD' || style === './PD' ? `/${target}` : style.startsWith('.') ? `./${target}` : target;
}

/** Gives an entry its name, in the spelling and the form of the draft. */
function spelled(
  entry: Omit<RawEntry, 'name'>,
  path: string,
  { spelling: style, form: wanted }: Draft,
  pax: readonly (readonly [string, string])[],
): RawEntry {
  const isDirectory = entry.type === '5';
  const name = style.replace('P', () => path).replace(/D$/, isDirectory ? '/' : '');
  const stored = { ...entry, ...(pax.length > 0 && { pax }) };
  switch (wanted) {
    case 'pax':
      return { ...stored, name: 'wrong', pax: [...pax, ['path', 'twice'], ['path', name]] };
    case 'long':
      return { ...stored, name: 'wrong', longName: name };
    case 'both':
      return { ...stored, name: 'wrong', longName: name, pax: [...pax, ['path', 'other']] };
    case 'prefix': {
      const slash = name.indexOf('/');
      if (slash <= 0 || slash > 155 || name.length - slash > 100) return { ...stored, name };
      return { ...stored, prefix: name.slice(0, slash), name: name.slice(slash + 1) };
    }
    case 'gnu':
      return { ...stored, name, magic: 'gnu' };
    case 'v7':
      return entry.type === '3' || entry.type === '4' ? { ...stored, name } : { ...stored, name, magic: 'v7' };
    default:
      return { ...stored, name };
  }
}
