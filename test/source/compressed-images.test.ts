import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { diffIdOf, layerOf } from '../helpers/built-image.js';
import { dockerArchive } from '../helpers/docker-archive.js';
import { lacks } from '../helpers/engines.js';
import { archiveOf, temporaryFolder, writeArchive } from '../helpers/members.js';
import { OciLayout } from '../helpers/oci-layout.js';
import { runCommand } from '../helpers/run-command.js';
import { runScript } from '../helpers/run-script.js';
import { noise } from '../helpers/sample-image.js';
import { callDimgx } from '../helpers/shared-dimgx.js';
import { shortOrLong } from '../helpers/short-or-long.js';
import { storedLayer } from '../helpers/stored-layer.js';

const TOOLS = [
  ['bzip2', 'tar+bzip2', 'bz2', '-j'],
  ['lbzip2', 'tar+bzip2', 'bz2', '-j'],
  ['xz', 'tar+xz', 'xz', '-J'],
  ['pixz', 'tar+xz', 'xz', '-J'],
] as const;

const layers = [
  await layerOf({
    'a/one': noise(300_000),
    'a/two': Buffer.alloc(shortOrLong(1_000_000, 2_000_000), 'two\n'),
    gone: 'gone',
  }),
  await layerOf({ 'a/.wh.one': '', '.wh.gone': '', 'b/three': noise(10_000) }),
];

async function compressed(tool: string, input: Buffer): Promise<Buffer> {
  return (await runCommand(tool, tool === 'pixz' ? ['-t'] : ['-c'], { input })).stdout;
}

async function flattened(reference: string): Promise<Buffer> {
  const target = join(await temporaryFolder(), 'out.tar');
  expect(await callDimgx('-t', target, reference)).toMatchObject({ stdout: '', stderr: '', code: 0 });
  return readFile(target);
}

/** What all of them must come to. */
function plainTar(): Promise<Buffer> {
  plain ??= writeArchive(dockerArchive([{ layers }])).then(flattened);
  return plain;
}
let plain: Promise<Buffer> | undefined;

describe.skipIf(lacks('bzip2', 'lbzip2', 'xz', 'pixz')).each(TOOLS)(
  'what %s has compressed (needs all four) is flattened to the same bytes',
  (tool, type, extension) => {
    test('as layers of an OCI layout', async () => {
      const layout = new OciLayout();
      const config = layout.json(
        { os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: layers.map(diffIdOf) } },
        'application/vnd.oci.image.config.v1+json',
      );
      const stored = await Promise.all(layers.map((layer) => compressed(tool, layer)));
      const blobs = stored.map((bytes) => layout.blob(bytes, `application/vnd.oci.image.layer.v1.${type}`));
      const mediaType = 'application/vnd.oci.image.manifest.v1+json';
      const manifest = layout.json({ schemaVersion: 2, mediaType, config, layers: blobs }, mediaType);
      const path = await writeArchive(layout.top([manifest]));
      expect((await flattened(path)).equals(await plainTar())).toBe(true);
    });

    test('as a whole archive, from a file and from a pipe', async () => {
      const archive = await archiveOf(dockerArchive([{ layers }]));
      const path = join(await temporaryFolder(), `image.tar.${extension}`);
      await writeFile(path, await compressed(tool, archive));
      expect((await flattened(path)).equals(await plainTar())).toBe(true);
      if (shortOrLong(tool === 'bzip2' || tool === 'pixz', true)) {
        const piped = await runScript('cat "$1" | dimgx -t - - | cat', path);
        expect(piped.stdout.equals(await plainTar())).toBe(true);
      }
    });
  },
);

describe.skipIf(lacks('bzip2', 'xz')).each([TOOLS[0], TOOLS[2]])('%s (needs bzip2 and xz)', (tool, _, ext, option) => {
  test('is written by option and by extension, with any number of threads', async () => {
    const folder = await temporaryFolder();
    const image = await writeArchive(dockerArchive([{ layers }]));
    const plain = await plainTar();
    for (const args of [
      ['--threads', '1', '-t', `${folder}/one.tar.${ext}`],
      ['--threads', '3', '-t', `${folder}/OUT.T${ext.toUpperCase()}`],
      ['--compress-level', '1', '-t', `${folder}/quick.tar.${ext}`],
    ]) {
      expect(await callDimgx(...args, image)).toMatchObject({ stdout: '', stderr: '', code: 0 });
    }
    const script = `cd "$1"
      dimgx ${option} -t - "$2" > piped
      cmp one.tar.${ext} OUT.T${ext.toUpperCase()} && cmp one.tar.${ext} piped && ${tool} -dc quick.tar.${ext} | cmp - "$3"
      ${tool} -dc one.tar.${ext}`;
    const path = join(folder, 'plain');
    await writeFile(path, plain);
    const { stdout, stderr } = await runScript(script, folder, image, path);
    expect(stderr).toBe('');
    expect(stdout.equals(plain)).toBe(true);
  });

  test('that is damaged is refused, and the layer is named', async () => {
    const stored = await compressed(tool, layers[0] as Buffer);
    const archive = storedLayer(stored.subarray(0, stored.length - 20), diffIdOf(layers[0] as Buffer));
    const { stderr, code } = await callDimgx('-t', '/dev/null', await writeArchive(archive));
    expect(code).toBe(2);
    const reason = 'it (ends too early|ends too early, or other data follows)';
    expect(stderr).toMatch(
      new RegExp(`^dimgx: DIMGX_COMPRESSION_CORRUPT: layer [0-9a-f]{12}: its ${tool} data is damaged: ${reason}\\n$`),
    );
  });
});
