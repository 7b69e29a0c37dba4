import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Warning } from '#dimgx/errors.js';
import { extractLayers } from '#dimgx/extract/extract-layers.js';
import { inspectLayers } from '#dimgx/inspect/inspect-layers.js';
import { openImage } from '#dimgx/source/resolve.js';
import { addDockerContainer, type WrittenContainer } from '../helpers/container-stores.js';
import { dockerStore, type StoredImageSpec } from '../helpers/engine-stores.js';
import { lacks } from '../helpers/engines.js';
import { flattenImage } from '../helpers/flatten-image.js';
import { DIMGX } from '../helpers/flatten-quietly.js';
import { temporaryFolder } from '../helpers/members.js';
import { rawLayer } from '../helpers/raw-layer.js';
import { readTar } from '../helpers/read-tar.js';
import { runCommand } from '../helpers/run-command.js';

const SECRET = 'a secret of the host';
const IMAGE: StoredImageSpec = { tags: ['app:1'], layers: [rawLayer([{ name: 'base', content: 'b' }])] };
const RUNNING = { State: { Running: true, StartedAt: '2026-01-02T03:04:05Z' } };

/** A storage whose driver needs no privileges, with one container. */
async function storeWith(document = {}): Promise<{ readonly reference: string; readonly web: WrittenContainer }> {
  const { folder } = await dockerStore([IMAGE], { driver: 'vfs' });
  const web = addDockerContainer(folder, { name: 'web', image: IMAGE, document }, 'vfs');
  return { reference: `docker-root:${folder}:container/web`, web };
}

describe('a container that runs while it is read', () => {
  test.skipIf(lacks('mkfifo'))('leads nowhere else with symlinks that it swaps in (needs mkfifo)', async () => {
    const { reference, web } = await storeWith(RUNNING);
    const outside = await temporaryFolder();
    writeFileSync(join(outside, 'file'), SECRET);
    for (const [i] of Array.from({ length: 50 }).entries()) {
      mkdirSync(join(web.changes, `d${i}`));
      writeFileSync(join(web.changes, `d${i}/file`), 'inside');
    }
    await runCommand('mkfifo', [join(web.changes, 'fifo')]);
    const swap = spawn('bash', [
      '-c',
      `cd "$1" && while :; do for d in d*; do mv $d .$d && ln -s "$2" $d && rm $d && mv .$d $d; done; done`,
      ...['bash', web.changes, outside],
    ]);
    onTestFinished(async () => {
      swap.kill();
      await once(swap, 'exit');
    });
    for (let i = 0; i < 6; i++) {
      const { tar, warnings } = await flattenImage(reference);
      expect(tar.includes(SECRET)).toBe(false);
      expect(warnings.map(({ code }) => code)).toContain('DIMGX_CONTAINER_RUNNING');
    }
  });

  test('has files of the length that they had when they were found', async () => {
    const { reference, web } = await storeWith(RUNNING);
    for (const name of ['longer', 'shorter', 'vanished', 'swapped']) writeFileSync(join(web.changes, name), 'abcdef');
    const warnings: Warning[] = [];
    const options = { onWarning: (warning: Warning) => void warnings.push(warning) };
    const image = await openImage(reference, options);
    const indexes = await inspectLayers(image, options);
    writeFileSync(join(web.changes, 'longer'), 'abcdefghi');
    truncateSync(join(web.changes, 'shorter'), 2);
    rmSync(join(web.changes, 'vanished'));
    rmSync(join(web.changes, 'swapped'));
    mkdirSync(join(web.changes, 'swapped'));
    const tar = await buffer(extractLayers(indexes, options));
    await image.close();
    const contents = (name: string) => {
      const at = tar.indexOf(Buffer.from(`${name}\0`)) + 512;
      return tar.subarray(at, at + 6).toString('latin1');
    };
    expect(['longer', 'shorter', 'vanished', 'swapped'].map(contents)).toEqual([
      'abcdef',
      'ab\0\0\0\0',
      '\0\0\0\0\0\0',
      '\0\0\0\0\0\0',
    ]);
    expect(warnings).toContainEqual(
      expect.objectContaining({
        code: 'DIMGX_CONTAINER_CHANGED',
        count: 3,
        message: expect.stringContaining('shorter'),
      }),
    );
  });
});

describe('a container that does not run', () => {
  test('is refused if a file changes while it is read', async () => {
    const { reference, web } = await storeWith();
    writeFileSync(join(web.changes, 'file'), 'abcdef');
    await using image = await openImage(reference);
    const indexes = await inspectLayers(image);
    truncateSync(join(web.changes, 'file'), 2);
    await expect(buffer(extractLayers(indexes))).rejects.toMatchObject({ code: 'DIMGX_STORE_FILE_CHANGED' });
  });

  test.each(['../../../../etc', 'x'.repeat(64), ''])('whose mount ID is %j is damaged', async (id) => {
    const { reference, web } = await storeWith();
    const store = join(dirname(web.changes), '../..');
    writeFileSync(join(store, `image/vfs/layerdb/mounts/${web.id}/mount-id`), id);
    await expect(openImage(reference)).rejects.toMatchObject({ code: 'DIMGX_STORE_DAMAGED' });
  });

  test('with more entries than the limit is refused', async () => {
    const { reference, web } = await storeWith();
    for (let i = 0; i < 40; i++) writeFileSync(join(web.changes, `f${i}`), '');
    await using image = await openImage(reference);
    await expect(inspectLayers(image, { limits: { maxEntries: 30 } })).rejects.toMatchObject({
      code: 'DIMGX_LIMIT_ENTRIES',
    });
  });

  test('may have more folders in folders than are held open', async () => {
    const { reference, web } = await storeWith();
    const deep = Array.from({ length: 300 }, () => 'd');
    for (let depth = 100; depth <= deep.length; depth += 100)
      mkdirSync(join(web.changes, ...deep.slice(0, depth)), { recursive: true });
    const { tar } = await flattenImage(reference);
    expect(readTar(tar)).toHaveLength(deep.length + 1);
  });
});

test.skipIf(lacks('root', 'setpriv'))(
  'a user who does not see the marks of overlayfs is refused (needs root and setpriv)',
  async () => {
    const { folder } = await dockerStore([IMAGE]);
    addDockerContainer(folder, { name: 'web', image: IMAGE });
    const copy = join(await temporaryFolder(), 'store');
    cpSync(folder, copy, { recursive: true });
    await runCommand('chmod', ['-R', 'a+rX', copy, dirname(copy)]);
    chmodSync(dirname(copy), 0o755);
    const somebody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
    const run = runCommand(
      'setpriv',
      [...somebody, process.execPath, DIMGX, '-t', '-', `docker-root:${copy}:container/web`],
      { cwd: '/' },
    );
    await expect(run).rejects.toThrow(/ended with 2.*DIMGX_SOURCE_UNREADABLE.*run dimgx as root/s);
    expect(readFileSync(join(copy, 'image/overlay2/repositories.json'), 'utf8')).toContain('app:1');
  },
);
