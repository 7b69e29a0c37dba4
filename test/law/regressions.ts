import { judged } from './judged.js';
import type { Judge } from './left-to-the-model.js';
import type { Stack } from './random-stack.js';

/** A stack that was hard once: found at random, made small, and named after what it holds dimgx to. */
export interface Regression {
  readonly name: string;
  readonly stack: Stack;
}

/** Those of which no row is left to the model, so that the judge is heard, too. */
export function judgedRegressions(judge: Judge): readonly Regression[] {
  return REGRESSIONS.filter(({ stack }) => JSON.stringify(judged(stack, judge)) === JSON.stringify(stack));
}

/** Pasted as a failing law prints them. */
export const REGRESSIONS: readonly Regression[] = [
  {
    name: 'a marker acts where a symlink of its own layer leads',
    stack: [[{ content: '1', name: 'c/a' }], [{ type: '2', link: 'c', name: 'a' }, { name: 'a/.wh..wh..opq' }]],
  },
  {
    name: 'a marker acts where it leads in the layer itself',
    stack: [
      [{ content: '1', name: 'c/a' }],
      [{ type: '5', name: 'c' }, { type: '2', link: 'c', name: 'a' }, { name: 'a/.wh.a' }],
    ],
  },
  {
    name: 'a marker does not act where a symlink leads that comes after it',
    stack: [[{ content: '1', name: 'b/a' }], [{ name: 'a/.wh..wh..opq' }, { type: '2', link: 'b', name: 'a' }]],
  },
  {
    name: 'a marker puts a directory in the place of an older file',
    stack: [[{ content: '1', name: 'a' }], [{ name: 'a/.wh..wh..opq' }]],
  },
  {
    name: 'a marker leaves alone what its own layer puts in the place of its directory',
    stack: [[{ content: '1', name: 'c' }], [{ content: '2', name: 'c' }, { name: 'c/a/.wh.a' }]],
  },
  {
    name: 'files among the leftovers of AUFS vanish',
    stack: [[{ content: '1', name: '.wh..wh.plnk/1' }]],
  },
  {
    name: 'the time of a link counts for the file',
    stack: [
      [
        { content: '1', name: 'a' },
        { mtime: 12000000000, type: '1', link: 'a', name: 'a1' },
      ],
    ],
  },
  {
    name: 'the mode of a link counts for the file',
    stack: [
      [
        { mode: 0, content: '1', name: 'a' },
        { type: '1', link: 'a', name: 'b/a' },
      ],
    ],
  },
  {
    name: 'the nanoseconds of a link alone count for what it links',
    stack: [
      [
        { mtime: 12000000000, type: '2', link: '/a', name: 'a2' },
        { mtime: 12000000000, pax: [['mtime', '12000000000.999999999']], type: '1', link: 'a2', name: 'a' },
      ],
    ],
  },
  {
    name: 'a whiteout that is a device 0:0 hides what its name says',
    stack: [[{ content: '1', name: 'c/a' }], [{ type: '3', name: '.wh.c' }]],
  },
  {
    name: 'a whiteout of two dots hides and makes nothing',
    stack: [[{ content: '1', name: 'a' }], [{ name: 'a/.wh...' }]],
  },
  {
    name: 'a GNU name counts more than one in PAX',
    stack: [[{ content: '1', name: 'wrong', longName: 'a', pax: [['path', 'other']] }]],
  },
  {
    name: 'times in a GNU header are no prefix',
    stack: [[{ content: '1', name: 'a', magic: 'gnu', prefix: '00000000005\x0000000000006\x00' }]],
  },
  {
    name: 'an older symlink that leads nowhere gives way to a directory',
    stack: [[{ type: '2', link: 'a', name: 'b' }], [{ content: '2', name: 'b/a/a' }]],
  },
  {
    name: 'markers behind an entry of their own layer do not touch it',
    stack: [[{ content: '1', name: 'a' }, { name: '.wh.a' }, { name: 'a/.wh.b' }]],
  },
  {
    name: 'an absolute target of a symlink is taken from the root',
    stack: [
      [
        { type: '5', name: 'a/a/a' },
        { type: '2', link: '/a/a/a', name: 'a/a/a2' },
        { content: '1', name: 'a/a/a2/a' },
      ],
    ],
  },
  {
    name: 'a link whose first name is gone has the contents, where it stands',
    stack: [
      [
        { content: '1', name: 'a/a/a' },
        { type: '1', link: 'a/a/a', name: 'c' },
        { type: '1', link: 'c', name: 'c1' },
      ],
      [{ content: '3', name: 'a' }],
    ],
  },
  {
    name: 'symlinks are counted anew for each path',
    stack: [
      [
        { type: '5', name: 'a' },
        { type: '2', link: '/a', name: 'a2' },
        { content: '1', name: 'a2/a' },
        { type: '2', link: '/a', name: 'a2/a2' },
        { content: '2', name: 'a2/a2/a3' },
      ],
    ],
  },
  {
    name: 'a symlink leads up from where it stands',
    stack: [
      [
        { type: '5', name: 'a/a' },
        { type: '2', link: '../a/a', name: 'a/a2' },
        { content: '1', name: 'a/a2/a' },
      ],
    ],
  },
  {
    name: 'a PAX name without a value leaves the one in the header',
    stack: [
      [
        {
          content: '1',
          name: 'a',
          pax: [
            ['path', 'other'],
            ['path', ''],
          ],
        },
      ],
    ],
  },
  {
    name: 'a directory with a size has no contents',
    stack: [[{ type: '5', link: 'a', size: 512, name: 'a' }]],
  },
  {
    name: 'a directory that comes after its children keeps them, whatever is whited out',
    stack: [[{ content: '1', name: 'a/b' }, { type: '5', name: 'a' }, { name: '.wh.a' }]],
  },
  {
    name: 'an entry below an older file puts a directory in its place',
    stack: [[{ content: '1', name: 'b' }], [{ content: '2', name: 'b/a' }]],
  },
  {
    name: 'a link that removes its own target is refused',
    stack: [
      [
        { content: '1', name: 'a/a/a' },
        { type: '1', link: 'a/a/a', name: 'a' },
      ],
    ],
  },
  {
    name: 'a link that removes the symlink on the way to its own target is refused',
    stack: [
      [
        { type: '2', link: '.', name: 'b' },
        { content: '1', name: 'a' },
        { type: '1', link: 'b/a', name: 'b' },
      ],
    ],
  },
  {
    name: 'a symlink target longer than any path is refused',
    stack: [[{ type: '2', link: '/e'.repeat(2100), name: 'a' }]],
  },
];
