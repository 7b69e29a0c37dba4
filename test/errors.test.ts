import { describe, expect, test } from 'vitest';
import { DimgxError, type ErrorCode } from '#dimgx/errors.js';
import { flatten } from '#dimgx/flatten.js';
import { openImage } from '#dimgx/source/resolve.js';
import { dockerArchive } from './helpers/docker-archive.js';
import { temporaryFolder, writeArchive } from './helpers/members.js';
import { type RawEntry, rawLayer } from './helpers/raw-layer.js';

async function failureOf(work: Promise<unknown>): Promise<DimgxError> {
  const failure = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(failure instanceof DimgxError)) throw new Error('it did not fail with a DimgxError');
  return failure;
}

/** What becomes of an image of layers of these entries, and the names of its layers. */
async function refused(layers: readonly (readonly RawEntry[])[]) {
  const archive = await writeArchive(dockerArchive([{ layers: layers.map((entries) => rawLayer(entries)) }]));
  const image = await openImage(archive);
  const names = image.layers.map(({ name }) => name);
  await image.close();
  return { names, failure: await failureOf(flatten(archive, `${await temporaryFolder()}/out.tar`)) };
}

describe('an error has as data', () => {
  test.each<[ErrorCode, string, readonly (readonly RawEntry[])[]]>([
    ['DIMGX_ENTRY_BAD_LINK', 'l\\n\\xff', [[{ name: 'x' }], [{ name: 'l\n\xff', type: '1', link: 'none' }]]],
    ['DIMGX_ENTRY_BAD_PARENT', 'f', [[{ name: 'x' }], [{ name: 'f' }, { name: 'f/below' }]]],
    ['DIMGX_ENTRY_UNSAFE_NAME', '../out', [[{ name: 'x' }], [{ name: '../out' }]]],
  ])('of %s the layer and the path, printable and as its bytes stand', async (code, path, layers) => {
    const { names, failure } = await refused(layers);
    const raw = path === 'f' ? 'f' : (layers[1]?.[0]?.name ?? '');
    expect(failure).toMatchObject({ code, layer: names[1], path });
    expect(Buffer.from(failure.rawPath ?? []).toString('latin1')).toBe(raw);
  });

  test('the layer where it has no path', async () => {
    const { names, failure } = await refused([[{ name: 'x' }], [{ name: '.', type: '0' }]]);
    expect(failure).toMatchObject({ code: 'DIMGX_LAYER_BAD_ROOT', layer: names[1] });
  });

  test('the path that is not there', async () => {
    expect(await failureOf(openImage('./no-such\tfile'))).toMatchObject({
      code: 'DIMGX_SOURCE_NOT_FOUND',
      path: './no-such\\tfile',
    });
  });
});
