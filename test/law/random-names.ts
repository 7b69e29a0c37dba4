import fc from 'fast-check';
import type { RawEntry } from '../helpers/raw-layer.js';

const LONG = 'n'.repeat(120);

/** Few, so that paths often meet; some of them odd. */
const component = fc.oneof(
  { withCrossShrink: true },
  { weight: 40, arbitrary: fc.constantFrom('a', 'b', 'c') },
  { weight: 3, arbitrary: fc.constantFrom('..a', 'a..', '...', '.wh', '.whx', 'a.wh.b', '.WH.a', '.hidden') },
  { weight: 3, arbitrary: fc.constantFrom('x\ny', '\xff\xfe', '\xc3\xa9', ' ', '-x', 'b\\c', '*', '"') },
  { weight: 2, arbitrary: fc.constantFrom(LONG, 'h'.repeat(100), 'm'.repeat(250), 'o'.repeat(255)) },
);

/** As long as Linux takes them, nearly, and as engines can still unpack them in a folder of theirs. */
const DEEPEST = Array.from({ length: 30 }, () => 'd'.repeat(130)).join('/');
const DEEP = DEEPEST.slice(0, 7 * 131 - 1);

/** From one to three components, now and then many. */
export const path: fc.Arbitrary<string> = fc.oneof(
  { withCrossShrink: true },
  { weight: 20, arbitrary: component },
  { weight: 20, arbitrary: fc.tuple(component, component).map((parts) => parts.join('/')) },
  { weight: 8, arbitrary: fc.tuple(component, component, component).map((parts) => parts.join('/')) },
  { weight: 2, arbitrary: fc.array(component, { minLength: 4, maxLength: 12 }).map((parts) => parts.join('/')) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(`${LONG}/${LONG}/${LONG}`, `${'p'.repeat(44)}/${'q'.repeat(55)}`, DEEP, DEEPEST),
  },
);

export const symlinkTarget: fc.Arbitrary<string> = fc.oneof(
  { withCrossShrink: true },
  { weight: 4, arbitrary: path },
  { weight: 2, arbitrary: path.map((target) => `/${target}`) },
  { weight: 2, arbitrary: path.map((target) => `../${target}`) },
  { weight: 3, arbitrary: fc.constantFrom('.', '/', '..', '../../../../a', 'nowhere', '/a/../b', 'a//b/.') },
  { weight: 1, arbitrary: fc.constantFrom('t'.repeat(100), 't'.repeat(240), '\xff\n') },
);

/** Spellings of one path: `P`; `D` stands for where a directory's slash goes. */
export const spelling: fc.Arbitrary<string> = fc.oneof(
  { withCrossShrink: true },
  { weight: 20, arbitrary: fc.constant('P') },
  { weight: 8, arbitrary: fc.constantFrom('PD', './P', '/P', './PD') },
  { weight: 2, arbitrary: fc.constantFrom('./zz/../P', 'zz//..//P', '//P', './/P', 'P/.', '././P') },
);

const FORMS = ['pax', 'long', 'both', 'prefix', 'gnu', 'v7', 'gnu times', 'empty pax', 'charset'] as const;

/** How a name is stored. */
export const form: fc.Arbitrary<'plain' | (typeof FORMS)[number]> = fc.oneof(
  { withCrossShrink: true },
  { weight: 8, arbitrary: fc.constant('plain' as const) },
  { weight: 9, arbitrary: fc.constantFrom(...FORMS) },
);

/** Of an entry that has none yet: its name as it is spelled, and stored in the form that was drawn, where that can be. */
export function named(
  entry: Omit<RawEntry, 'name'>,
  path: string,
  style: string,
  wanted: typeof form extends fc.Arbitrary<infer F> ? F : never,
): RawEntry {
  const { pax = [] } = entry;
  const isOldDirectory = entry.type === '\0' && path.endsWith('/');
  const spelled = style.replace('P', () => path).replace(/D$/, entry.type === '5' ? '/' : '');
  const name = isOldDirectory ? `${path.slice(0, -1)}/` : spelled;
  const isDevice = entry.type === '3' || entry.type === '4';
  // the headers of sparse files have a magic of their own
  const isSparse = entry.sparse !== undefined || pax.some(([key]) => key.startsWith('GNU.sparse.'));
  const slash = name.indexOf('/');
  const hasPrefix = slash > 0 && slash <= 155 && name.length - slash <= 100;
  switch (wanted) {
    case 'pax':
      return { ...entry, name: 'wrong', pax: [...pax, ['path', 'twice'], ['path', name]] };
    case 'long':
      return { ...entry, name: 'wrong', longName: name };
    case 'both':
      return { ...entry, name: 'wrong', longName: name, pax: [...pax, ['path', 'other']] };
    case 'empty pax':
      return { ...entry, name, pax: [...pax, ['path', 'other'], ['path', '']] };
    case 'charset': {
      const key = pax.some((record) => record[0].startsWith('GNU.sparse.')) ? 'GNU.sparse.name' : 'path';
      return { ...entry, name: 'wrong', pax: [['hdrcharset', 'BINARY'], ...pax, [key, name]] };
    }
    case 'prefix':
      if (!hasPrefix || isSparse) return { ...entry, name };
      return { ...entry, prefix: name.slice(0, slash), name: name.slice(slash + 1) };
    case 'gnu':
      return isSparse ? { ...entry, name } : { ...entry, name, magic: 'gnu' };
    case 'gnu times':
      return isSparse ? { ...entry, name } : { ...entry, name, magic: 'gnu', prefix: '00000000005\x0000000000006\0' };
    case 'v7':
      return isDevice || isSparse ? { ...entry, name } : { ...entry, name, magic: 'v7' };
    default:
      return { ...entry, name };
  }
}
