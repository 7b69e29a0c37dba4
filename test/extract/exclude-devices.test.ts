import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { dockerArchive } from '../helpers/docker-archive.js';
import { flattenLayers, type LayerSpec } from '../helpers/flatten-layers.js';
import { archiveOf, temporaryFolder } from '../helpers/members.js';
import { type RawEntry, rawLayer } from '../helpers/raw-layer.js';
import { readTar } from '../helpers/raw-tar.js';
import { runCommand } from '../helpers/run-command.js';
import { runDimgx } from '../helpers/run-dimgx.js';

const DEV: readonly RawEntry[] = [
  { name: 'dev', type: '5', mode: 0o755 },
  { name: 'dev/null', type: '3', device: [1, 3], mode: 0o666 },
  { name: 'dev/sda', type: '4', device: [8, 0] },
  { name: 'dev/zero', type: '3', device: [1, 5] },
  { name: 'dev/log', type: '6' },
  { name: 'file', content: 'x' },
  { name: 'null', type: '1', link: 'dev/null' },
  { name: 'zero', type: '2', link: 'dev/zero' },
];

async function names(layers: readonly LayerSpec[]): Promise<{ names: string[]; warnings: unknown }> {
  const { tar, warnings } = await flattenLayers(layers, { excludeDevices: true });
  return { names: (await readTar(tar)).map(({ name }) => name.replace(/\/$/, '')), warnings };
}

const note = (message: string) => [{ code: 'DIMGX_ENTRY_DEVICES_EXCLUDED', message, count: 1 }];

test('devices and hard links to them are left out, and counted', async () => {
  expect(await names([DEV])).toEqual({
    names: ['dev', 'dev/log', 'file', 'zero'],
    warnings: note('4 devices are left out, as asked'),
  });
});

test('a link of a newer layer to a device is left out, and a file that replaces one stays', async () => {
  const { names: left, warnings } = await names([
    DEV,
    [
      { name: 'dev/null', content: 'no device' },
      { name: 'other', type: '1', link: 'dev/zero' },
    ],
  ]);
  expect(left.sort()).toEqual(['dev', 'dev/log', 'dev/null', 'file', 'zero']);
  expect(warnings).toContainEqual(note('4 devices are left out, as asked')[0]);
});

test('a device 0:0 removes what is below, as ever, and does not count', async () => {
  const { names: left, warnings } = await names([
    [{ name: 'a' }, { name: 'b' }],
    [{ name: 'a', type: '3', device: [0, 0] }],
  ]);
  expect(left).toEqual(['b']);
  expect(warnings).toMatchObject([{ code: 'DIMGX_ENTRY_DEVICE_WHITEOUT' }]);
});

test('without devices nothing is said, and the bytes are the same', async () => {
  const layers = [[{ name: 'a', content: 'x' }]];
  const { tar, warnings } = await flattenLayers(layers, { excludeDevices: true });
  expect(tar.equals((await flattenLayers(layers)).tar)).toBe(true);
  expect(warnings).toEqual([]);
});

test('those who want to know are told why', async () => {
  const skipped: string[] = [];
  await flattenLayers([DEV], {
    excludeDevices: true,
    onEntry: ({ action, path, reason }) => void (action === 'skip' && skipped.push(`${path} ${reason}`)),
  });
  expect(skipped).toEqual(['dev/null', 'dev/sda', 'dev/zero', 'null'].map((path) => `${path} as devices are left out`));
});

test('an ordinary user extracts the tar without an error', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'image.tar'), await archiveOf(dockerArchive([{ layers: [rawLayer(DEV)] }])));
  const { code, stdout, stderr } = await runDimgx(
    ...['--exclude-devices', '--strict-input', '--json', '-t', join(folder, 'flat.tar'), join(folder, 'image.tar')],
  );
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: 'dimgx: warning: DIMGX_ENTRY_DEVICES_EXCLUDED: 4 devices are left out, as asked\n',
  });
  expect(JSON.parse(stdout)).toMatchObject({ entries: 4, excludedDevices: 4 });
  await mkdir(join(folder, 'out'), { mode: 0o777 });
  const isRoot = process.getuid?.() === 0;
  const user = isRoot ? ['setpriv', '--reuid=1234', '--regid=1234', '--clear-groups'] : ['env'];
  const script = 'cd out && chmod 777 . 2>/dev/null; tar -xf ../flat.tar && ls dev';
  await runCommand('chmod', ['-R', 'a+rwX', folder]);
  const [command = '', ...args] = [...user, 'sh', '-c', script];
  expect(String((await runCommand(command, args, { cwd: folder })).stdout)).toBe('log\n');
});
