import { describe, expect, test } from 'vitest';
import { layerFolder, readHiddenPath } from '#dimgx/evidence/layer-folder.js';

const hex = '0123456789abcdef'.repeat(4);

test.each([
  [{ diffId: `sha256:${hex}`, digest: 'sha256:f' }, 'layer-2-0123456789ab'],
  [{ digest: `sha512:${hex}`, legacyId: 'f' }, 'layer-2-0123456789ab'],
  [{ legacyId: hex }, 'layer-2-0123456789ab'],
  [{}, 'layer-2'],
])('a layer with the IDs %j has a folder of its own', (ids, folder) => {
  expect(layerFolder(2, ids)).toBe(folder);
  expect(readHiddenPath(Buffer.from(`${folder}/a/b`))).toMatchObject({ layer: 2, folder, path: Buffer.from('a/b') });
});

describe('the path of a hidden version', () => {
  test.each([
    ['layer-1/a', { layer: 1, folder: 'layer-1', entry: undefined, path: Buffer.from('a') }],
    ['layer-12-ab-entry-7/a', { layer: 12, folder: 'layer-12-ab', entry: 7, path: Buffer.from('a') }],
    ['layer-1', { layer: 1, folder: 'layer-1', entry: undefined, path: Buffer.alloc(0) }],
  ])('%s is read', (path, found) => {
    expect(readHiddenPath(Buffer.from(path))).toEqual(found);
  });

  test.each(['', 'a', 'layer', 'layer-', 'layer-0/a', 'layer-01/a', 'layer-1-/a', 'layer-1-x/a', 'layer-1-AB/a'])(
    '%j is none',
    (path) => {
      expect(readHiddenPath(Buffer.from(path))).toBeUndefined();
    },
  );

  test.each(['layer-1-entry-0/a', 'layer-1-0123456789abc/a', 'layer-1\n/a', ' layer-1/a', 'layer-9999999999/a'])(
    '%j is none, either',
    (path) => {
      expect(readHiddenPath(Buffer.from(path))).toBeUndefined();
    },
  );
});
