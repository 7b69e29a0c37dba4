import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { layerOf } from '../helpers/built-image.js';
import { dockerArchive } from '../helpers/docker-archive.js';
import { temporaryFolder, writeFolder } from '../helpers/members.js';
import { OciLayout } from '../helpers/oci-layout.js';
import { listen } from '../helpers/registry-proxy.js';
import { runCommand } from '../helpers/run-command.js';
import { runScript } from '../helpers/run-script.js';
import { callDimgx } from '../helpers/shared-dimgx.js';
import { shortOrLong } from '../helpers/short-or-long.js';

test('an unpacked image has more layers than the process may have open files', async () => {
  const many = shortOrLong(140, 300);
  const layers = await Promise.all(Array.from({ length: many }, (_, i) => layerOf({ [`f${i}`]: `${i}` })));
  const folder = await writeFolder(dockerArchive([{ layers }]));
  const script = 'ulimit -n 128; dimgx -t - "$1" | tar t | wc -l; dimgx "$1" | wc -l; dimgx -l @7 -t - "$1" | tar t';
  const { stdout, stderr } = await runScript(script, join(folder, '.'));
  expect(stderr).toBe('');
  expect(stdout.toString()).toBe(`${many}\n${many + 1}\nf6\n`);
});

test('an image in a registry has more layers than the process may have open files, with the cache and without', async () => {
  const many = shortOrLong(110, 200);
  const layers = await Promise.all(Array.from({ length: many }, (_, i) => layerOf({ [`f${i}`]: `${i}` })));
  const layout = new OciLayout();
  const manifest = layout.manifest({ layers }, { gzip: true });
  const server = createServer((request, answer) => {
    const [, kind = '', name = ''] = /^\/v2\/app\/(manifests|blobs)\/(.*)$/.exec(request.url ?? '') ?? [];
    const digest = name.includes(':') ? name : manifest.digest;
    const bytes = kind ? (layout.members[`blobs/${digest.replace(':', '/')}`] as Uint8Array | string) : '{}';
    const type = kind === 'manifests' ? manifest.mediaType : 'application/octet-stream';
    answer.writeHead(200, { 'content-type': type, 'content-length': Buffer.byteLength(bytes) }).end(bytes);
  });
  const image = `docker://${await listen(server)}/app:1`;
  const cache = await temporaryFolder();
  const script =
    'ulimit -n 96; export DIMGX_CACHE="$2"; for how in --no-cache "" ""; do dimgx --plain-http $how -t - "$1" | tar t | wc -l; done';
  const { stdout, stderr } = await runScript(script, image, join(cache, 'cache'));
  expect({ stdout: stdout.toString(), stderr }).toEqual({ stdout: `${many}\n`.repeat(3), stderr: '' });
}, 120_000);

test('a layer that is missing spoils only its own row, and a selection with it', async () => {
  const [base, top] = [await layerOf({ a: 'a' }), await layerOf({ b: 'b' })];
  const members = dockerArchive([{ layers: [base, top] }]);
  const [path] = Object.keys(members).filter((name) => members[name] === base);
  delete members[path as string];
  const folder = await writeFolder(members);
  const target = join(await temporaryFolder(), 'out.tar');
  await callDimgx('-l', '@2', '-t', target, folder);
  expect((await runCommand('tar', ['tf', target])).stdout.toString()).toBe('b\n');
  const { stdout } = await callDimgx('--json', folder);
  const problems = JSON.parse(stdout).layers.map(({ problem }: { problem: { code: string } | null }) => problem);
  expect(problems).toMatchObject([null, { code: 'DIMGX_SOURCE_MISSING_BLOB' }]);
  const whole = await callDimgx('-t', '-', folder);
  expect(whole.code).toBe(2);
  expect(whole.stderr).toContain('DIMGX_SOURCE_MISSING_BLOB');
});
