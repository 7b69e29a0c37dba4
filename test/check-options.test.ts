import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { parseSize } from '#dimgx/base/limits.js';
import { printable } from '#dimgx/base/text/printable.js';
import { listCache } from '#dimgx/cache/list-cache.js';
import { removeBlobs } from '#dimgx/cache/tidy-cache.js';
import { extractLayers } from '#dimgx/extract/extract-layers.js';
import { flatten } from '#dimgx/flatten.js';
import { formatPlatform } from '#dimgx/image/platform.js';
import { selectLayers } from '#dimgx/image/select-layers.js';
import { inspectLayers } from '#dimgx/inspect/inspect-layers.js';
import { listTags, searchImages } from '#dimgx/registry/registry-lists.js';
import { listImages } from '#dimgx/source/list-images.js';
import { pullImage } from '#dimgx/source/pulled-image.js';
import { openImage } from '#dimgx/source/resolve.js';
import { opened } from './helpers/opened.js';
import { sampleImage } from './helpers/sample-image.js';

/** A value that the types forbid. */
function wrong(value: unknown): never {
  return value as never;
}

const image = async () => opened(await sampleImage());

describe('a value of a wrong type is DIMGX_OPTION_INVALID', () => {
  test.each<[string, () => unknown]>([
    [
      'each layer in the option select must be a layer',
      async () => inspectLayers(await image(), { select: wrong(['a']) }),
    ],
    ['the layers must be an array', () => buffer(extractLayers(wrong(5)))],
    ['the layers must be an array', () => buffer(extractLayers(wrong(null)))],
    ['the size must be a string, not of type number', () => parseSize(wrong(5))],
    ['the text must be a string or a Uint8Array, not of type object', () => printable(wrong(null))],
    ['the limit must be a number, not of type string', () => printable('abc', wrong('2'))],
    ['the platform must be an object', () => formatPlatform(wrong(5))],
    ['the platform must be an object', () => formatPlatform(wrong({ os: 'linux' }))],
    ['each element of the option layers must be a string, not 1', () => openImage('x', wrong({ layers: ['a', 1] }))],
    ['each element of the names must be a string, not an array', () => removeBlobs(wrong([[]]))],
    ['the names must be an array of strings, not "abcd"', () => removeBlobs(wrong('abcd'))],
    ['the option cache must be a string, not 5', () => listCache({ cache: wrong(5) })],
    ['the option cache must be a string, not false', () => listCache({ cache: wrong(false) })],
    ['the option cache must be a string, not 5', () => pullImage('a', { cache: wrong(5) })],
    ['the options must be an object, not null', () => listCache(wrong(null))],
    ['the option credentials.username must be a string', () => openImage('x', { credentials: wrong({}) })],
    [
      'the option credentials.password must be a string',
      () => listTags('x', { credentials: wrong({ username: 'a' }) }),
    ],
    ['the option jobs must be a whole number from 1 to 64', () => openImage('x', { jobs: 65 })],
    ['the option retry must be a whole number from 0 to 100', () => openImage('x', { retry: 101 })],
    ['the option limit must be a whole number from 1 to 10000', () => searchImages('x', { limit: 10_001 })],
    ['a mirror must be HOST=URL', async () => openImage(await sampleImage(), { mirrors: ['foo'] })],
    ['a mirror must be HOST=URL', async () => listImages(await sampleImage(), { mirrors: ['foo'] })],
    ['a mirror must be HOST=URL', () => listTags('x', { mirrors: ['foo'] })],
    ['the target must be a path or a Writable', async () => flatten(await sampleImage(), '')],
    ['onWarning must be a function, not "a"', async () => selectLayers(await image(), {}, wrong('a'))],
  ])('%s', async (message, call) => {
    const refusal = { code: 'DIMGX_OPTION_INVALID', message: expect.stringContaining(message) };
    await expect((async () => call())()).rejects.toMatchObject(refusal);
  });
});

test('a password of a wrong type is not in the message', async () => {
  const work = openImage('x', { credentials: { username: 'a', password: wrong(12345) } });
  await expect(work).rejects.toThrow('the option credentials.password must be a string, not of type number');
});

test('a layer of another image is not selected by accident', async () => {
  const [one, other] = [await image(), await image()];
  await expect(inspectLayers(one, { select: other.layers })).rejects.toMatchObject({ code: 'DIMGX_OPTION_INVALID' });
});

test('selectLayers needs neither options nor a callback', async () => {
  const whole = await image();
  expect(selectLayers(whole)).toEqual(whole.layers.toReversed());
  expect(selectLayers(whole, { layers: ['none'] })).toEqual([]);
});
