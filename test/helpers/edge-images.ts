import type { BuiltImage } from './built-image.js';
import { extension, rawLayer } from './raw-layer.js';

const LONG = `${'long/'.repeat(40)}name`;

/** Layers that engines load, some of which they cannot save again. */
const LAYERS: readonly Buffer[] = [
  rawLayer([
    { name: './', type: '5' },
    { name: 'dir/', type: '5', mode: 0o700 },
    { name: 'dir/caf\xe9', content: 'not UTF-8' },
    { name: 'dir/a<&\u0001>', content: 'escaped in JSON' },
    { name: LONG, magic: 'gnu', content: 'GNU' },
    { name: 'short', pax: [['path', `${LONG}2`]], content: 'PAX' },
    { name: 'big', content: '0123456789abcdef'.repeat(30_000) },
    { name: 'empty' },
    { name: 'hard', type: '1', link: 'big' },
    { name: 'sized', type: '1', link: 'dir/caf\xe9', size: 9 },
    { name: 'dir/sym', type: '2', link: '/nowhere' },
    { name: 'fifo', type: '6' },
    { name: './dotted/./x', content: 'x' },
    { name: 'dir/../up', content: 'up' },
  ]),
  rawLayer([
    { name: '.wh.empty' },
    { name: 'dir/', type: '5' },
    { name: 'dir/.wh..wh..opq' },
    { name: 'dir/new', content: 'new' },
    { name: 'real/', type: '5' },
    { name: 'link', type: '2', link: '/real' },
    { name: 'link/below', content: 'through an absolute symlink' },
  ]),
  rawLayer([extension('g', '20 comment=whatever\n'), { name: 'big', content: 'replaced' }]),
  Buffer.concat([rawLayer([{ name: 'trailing', content: 't' }]), Buffer.alloc(10_240)]),
  Buffer.alloc(1024),
];

const SMALL = rawLayer([{ name: 'small', content: 's' }]);

/** One file by two names, one of them through a symlink. */
const twice = (earlier: string, later: string) =>
  rawLayer([
    { name: 'real/', type: '5' },
    { name: 'real/f', content: earlier },
    { name: 'link', type: '2', link: 'real' },
    { name: 'link/f', content: later },
  ]);

const edge = (name: string, layers: readonly Buffer[], config = {}): BuiltImage & { readonly title: string } => ({
  ...{ title: `edge: ${name}`, tags: [`dimgx/edges:${name.replaceAll(' ', '-')}`] },
  ...{ layers, config },
});

/** Images at the edges of what an engine's storage can give back. */
export const EDGE_IMAGES = [
  edge('three layers', LAYERS.slice(0, 3)),
  edge('all layers', LAYERS),
  edge('nothing but zeros', [Buffer.alloc(1024), SMALL, Buffer.alloc(10_240)]),
  edge('a layer twice', [SMALL, Buffer.alloc(1024), SMALL]),
  edge('no history', [SMALL], { history: undefined }),
  edge('steps without a layer', [SMALL], { history: [{ empty_layer: true }, { created_by: 'a' }] }),
  edge('data after the end', [Buffer.concat([SMALL, Buffer.alloc(3 * 2 ** 20, 'data')])]),
  edge('one file by two names', [twice('same', 'same')]),
  edge('one file by two names that differ', [twice('earlier', 'later')]),
];
