import { getEventListeners } from 'node:events';
import { readdir } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { extractLayers } from '#dimgx/extract/extract-layers.js';
import { type FlattenOptions, flatten } from '#dimgx/flatten.js';
import { openedImage } from '#dimgx/image/image.js';
import { inspectLayers } from '#dimgx/inspect/inspect-layers.js';
import { openImage } from '#dimgx/source/resolve.js';
import { temporaryFolder } from '../../helpers/members.js';
import { sampleImage } from '../../helpers/sample-image.js';

test('a hundred calls with one signal leave one listener on it meanwhile, none afterwards, and no warning', async () => {
  const [archive, { signal }] = [await sampleImage(), new AbortController()];
  const warnings: Error[] = [];
  const note = (warning: Error) => void warnings.push(warning);
  process.on('warning', note);
  const calls = Array.from({ length: 100 }, () => flatten(archive, new PassThrough().resume(), { signal }));
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  await Promise.all(calls);
  process.off('warning', note);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  expect(warnings.filter(({ name }) => name === 'MaxListenersExceededWarning')).toEqual([]);
});

test('a stream that nobody reads leaves no listener on its signal', async () => {
  const { signal } = new AbortController();
  const image = await openImage(await sampleImage());
  const layers = await inspectLayers(image);
  for (let i = 0; i < 20; i++) extractLayers(layers, { signal });
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  await image[Symbol.asyncDispose]();
  expect(openedImage(image).resources.isClosed).toBe(true);
});

describe('a value that no option takes is refused, with the name of the option', () => {
  test.each([
    ['limits.maxSize', { limits: { maxSize: Number.NaN } }],
    ['limits.maxEntries', { limits: { maxEntries: -1 } }],
    ['limits', { limits: 5 }],
    ['threads', { threads: 0 }],
    ['threads', { threads: -1.5 }],
    ['level', { level: '9' }],
    ['layers', { layers: 'x' }],
    ['signal', { signal: {} }],
    ['onProgress', { onProgress: 'x' }],
    ['tmpDir', { tmpDir: null }],
  ])('%s of %o', async (name, options) => {
    const work = flatten(await sampleImage(), new PassThrough(), options as unknown as FlattenOptions);
    await expect(work).rejects.toMatchObject({
      code: 'DIMGX_OPTION_INVALID',
      message: expect.stringContaining(`the option ${name} must be`),
    });
  });
});

const CALLBACKS = ['onProgress', 'onEntry', 'onTreeDigest'];

test.each(CALLBACKS)('an async %s that rejects fails the call, and nothing is left', async (name) => {
  const folder = await temporaryFolder();
  const failing = { [name]: () => Promise.reject(5) };
  const work = flatten(await sampleImage(), `${folder}/out.tar`, failing);
  await expect(work).rejects.toMatchObject({ code: 'DIMGX_CALLBACK_FAILED', cause: 5 });
  expect(await readdir(folder)).toEqual([]);
});

test('a callback for the tree digest that throws fails the stream', async () => {
  const image = await openImage(await sampleImage());
  const onTreeDigest = () => {
    throw new Error('mine');
  };
  const work = buffer(extractLayers(await inspectLayers(image), { onTreeDigest }));
  await expect(work).rejects.toMatchObject({ code: 'DIMGX_CALLBACK_FAILED', cause: { message: 'mine' } });
  await image.close();
});
