import { appendFile, chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { dockerArchive } from '../helpers/docker-archive.js';
import { lacks } from '../helpers/engines.js';
import { compareWithMtree, extractBoth, JUDGES, judgeRecords } from '../helpers/judge-records.js';
import { archiveOf, temporaryFolder, writeFolder } from '../helpers/members.js';
import { ociLayout } from '../helpers/oci-layout.js';
import { oddLayers } from '../helpers/odd-image.js';
import { ODD_NAMES, PATTERNS } from '../helpers/odd-tree.js';
import { PACKINGS, packedImage } from '../helpers/packed-layers.js';
import { rawLayer } from '../helpers/raw-layer.js';
import { type Provenance, RECORDS, recordImage } from '../helpers/recorded-run.js';
import { runCommand } from '../helpers/run-command.js';
import { runScript } from '../helpers/run-script.js';
import { callDimgx } from '../helpers/shared-dimgx.js';
import { shortOrLong } from '../helpers/short-or-long.js';

const FEW = ['plain', 'a|b %41', '\\n\n', 'caf\xe9', 'a -> b'];

const layersOf = (names: readonly string[]) => oddLayers(names).map((layer) => rawLayer(layer));

async function archive(layers: readonly Uint8Array[]): Promise<string> {
  const path = join(await temporaryFolder(), 'image.tar');
  await writeFile(path, await archiveOf(dockerArchive([{ layers }])));
  return path;
}

/** The odd images have what dimgx warns about. */
const QUIETLY = '--log-level=error';

const few = async () => archive(layersOf(FEW));

/** What records are called in a bag, where that is another name. */
const IN_BAG: Readonly<Record<string, string>> = {
  provenance: 'provenance.jsonl',
  mtree: 'rootfs.mtree',
  bodyfile: 'rootfs.body',
};

/** What part of an image the tar has. */
const SELECTIONS: readonly (readonly [string, readonly string[]])[] = [
  ['the base layer', ['-l', '@1']],
  ['a layer whose hard links lead out of it', ['-l', '@2']],
  ['the newest layer', ['-l', '@3']],
  ['the layers but the newest', ['-l', '@1:@2']],
  ['the layers in reverse', ['--reverse']],
  ['no layer', ['-l', '@9']],
  ['what fits a pattern', ['--include', '/**/links', '--include', '/first', '--include', 'sparse/*']],
  ['what fits no pattern', ['--exclude', '/links/[ad]', '--exclude', '/**/in', '--exclude', '/special/null']],
  ['nothing', ['--include', '/no-such-path']],
  ['an image without its devices', ['--exclude-devices']],
  ['hard links alone', ['--include', '/**/same', '--include', '/links/later', '--include', '/sparse/same']],
];

describe.skipIf(lacks(...JUDGES))(`real tools agree with all that is written (needs ${JUDGES.join(', ')})`, () => {
  test('of an image with every odd name', async () => {
    await judgeRecords(await recordImage(await archive(layersOf(ODD_NAMES)), await temporaryFolder()));
  });

  test('of an image with names that look like patterns', async () => {
    const run = await recordImage(await archive(layersOf(PATTERNS)), await temporaryFolder());
    await judgeRecords(run, { hasPatterns: true });
  });

  test.each(
    shortOrLong(
      SELECTIONS.filter((_, i) => i % 3 === 0),
      SELECTIONS,
    ),
  )('of %s', async (_, args) => {
    await judgeRecords(await recordImage(await few(), await temporaryFolder(), args));
  });

  test('but for what somebody tampered with', async () => {
    const run = await recordImage(await few(), await temporaryFolder());
    const { root } = await extractBoth(run);
    await appendFile(join(root, 'links/d'), 'x');
    await chmod(join(root, 'special/4755'), 0o755);
    await writeFile(join(root, 'times/added'), '');
    await rm(join(root, 'present/to/0'));
    const { status, text } = compareWithMtree(root, run.record('mtree'));
    expect(status).toBe(2);
    for (const path of ['links/d', 'special/4755', 'times/added', 'present/to/0']) expect(text).toContain(path);
    for (const path of ['links/later', 'special/2755', 'times/more', 'present/to/1']) expect(text).not.toContain(path);
  });
});

describe('records of one run', () => {
  test('are each the same alone, without a tar', async () => {
    const image = await few();
    const folder = await temporaryFolder();
    const together = await recordImage(image, folder);
    for (const name of RECORDS) {
      const alone = join(folder, `${name} alone`);
      expect((await callDimgx(QUIETLY, `--${name}`, alone, image)).stderr).toBe('');
      expect((await readFile(alone)).equals(await readFile(together.record(name)))).toBe(true);
    }
    expect((await readdir(folder)).length).toBe(2 + 2 * RECORDS.length);
  });

  test.each(shortOrLong<readonly (typeof RECORDS)[number][]>(['bodyfile'], RECORDS))(
    'may go to standard output: %s',
    async (name) => {
      const run = await recordImage(await few(), await temporaryFolder());
      const others = RECORDS.filter((other) => other !== name).map((other) => `--${other}="$2/${other} beside"`);
      const script = `dimgx ${QUIETLY} --json -t "$2/beside.tar" ${others.join(' ')} --${name} - "$1"`;
      const { code, stdout, stderr } = await runScript(script, await few(), run.folder);
      expect({ code, entries: JSON.parse(stderr).entries }).toEqual({ code: 0, entries: expect.any(Number) });
      expect(stdout.equals(await readFile(run.record(name)))).toBe(true);
      expect((await readFile(join(run.folder, 'beside.tar'))).equals(await readFile(run.tar))).toBe(true);
      for (const other of RECORDS.filter((each) => each !== name)) {
        expect((await readFile(join(run.folder, `${other} beside`))).equals(await readFile(run.record(other)))).toBe(
          true,
        );
      }
    },
  );

  test.each([
    ['odd names', ODD_NAMES],
    ['names that look like patterns', PATTERNS],
  ])('are those of a snapshot, which verify agrees with: of %s', async (_, names) => {
    const image = await archive(layersOf(names));
    const bag = join(await temporaryFolder(), 'bag');
    expect(await callDimgx('snapshot', QUIETLY, '-C', image, bag)).toMatchObject({ code: 0, stderr: '' });
    const written = await (await recordImage(image, await temporaryFolder())).bytes();
    for (const [name, bytes] of Object.entries(written)) {
      expect({ name, isSame: bytes.equals(await readFile(join(bag, 'data', IN_BAG[name] ?? name))) }).toEqual({
        name,
        isSame: true,
      });
    }
    expect(await callDimgx('verify', '-q', bag)).toMatchObject({ code: 0, stdout: '', stderr: '' });
    const { stdout } = await runCommand(
      'sha256sum',
      ['--quiet', '-c', 'manifest-sha256.txt', 'tagmanifest-sha256.txt'],
      { cwd: bag },
    );
    expect(stdout.toString()).toBe('');
  });

  test('say what ls says, which reads no contents', async () => {
    const image = await few();
    const run = await recordImage(image, await temporaryFolder());
    const { stdout } = await callDimgx('ls', '--json', '--recursive', '--hidden', image);
    const withoutContents = ({ xattrs, sha256, ...rest }: Provenance) => JSON.stringify(rest);
    const listed = stdout
      .trimEnd()
      .split('\n')
      .map((line) => withoutContents(JSON.parse(line)));
    const [root, ...recorded] = await run.provenance();
    expect(root?.path).toBe('/');
    expect(listed.sort()).toEqual(recorded.map(withoutContents).sort());
  });
});

describe('the same bytes are written', () => {
  const layers = layersOf(FEW);

  /** Everything that is written of an image, by name, but for the line with its digests. */
  const written = async (reference: string, args: readonly string[] = []): Promise<ReadonlyMap<string, Buffer>> => {
    const run = await recordImage(reference, await temporaryFolder(), args);
    const { provenance = Buffer.alloc(0), ...others } = await run.bytes();
    return new Map(Object.entries({ ...others, provenance: provenance.subarray(provenance.indexOf('\n')) }));
  };

  let first: ReturnType<typeof written> | undefined;
  const expectSame = async (reference: string, args: readonly string[] = []) => {
    first ??= few().then((image) => written(image));
    const [expected, found] = [await first, await written(reference, args)];
    for (const [name, bytes] of expected) {
      const isSame = found.get(name)?.equals(bytes);
      expect({ name, isSame, isLong: bytes.length > 1000 }).toEqual({ name, isSame: true, isLong: true });
    }
  };

  test('by every run, and by any number of threads', async () => {
    await expectSame(await few(), ['--threads=1']);
    await expectSame(await few(), ['--threads=5']);
  });

  test('without verification', async () => {
    await expectSame(await few(), ['--no-verify']);
  });

  test('of an OCI layout', async () => {
    await expectSame(await writeFolder(ociLayout([{ layers }])));
  });

  test.each(shortOrLong(PACKINGS.slice(0, 2), PACKINGS))(
    'of layers compressed with %s, decoded once or twice',
    async (packing) => {
      const image = await packedImage(layers.map((layer) => [layer, packing]));
      await expectSame(image, ['--tmp-dir=/var/tmp']);
      await expectSame(image, ['--tmp-dir=/dev/shm']);
    },
  );
});
