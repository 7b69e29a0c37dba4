import { join } from 'node:path';
import { expect, test } from 'vitest';
import { layerOf } from '../helpers/built-image.js';
import { dockerArchive } from '../helpers/docker-archive.js';
import { writeFolder } from '../helpers/members.js';
import { runScript } from '../helpers/run-script.js';

test('an unpacked image has more layers than the process may have open files', async () => {
  const layers = await Promise.all(Array.from({ length: 300 }, (_, i) => layerOf({ [`f${i}`]: `${i}` })));
  const folder = await writeFolder(dockerArchive([{ layers }]));
  const script = 'ulimit -n 128; dimgx -t - "$1" | tar t | wc -l; dimgx "$1" | wc -l; dimgx -l @7 -t - "$1" | tar t';
  const { stdout, stderr } = await runScript(script, join(folder, '.'));
  expect(stderr).toBe('');
  expect(stdout.toString()).toBe('300\n301\nf6\n');
});

test('a layer that is missing spoils only its own row, and a selection with it', async () => {
  const [base, top] = [await layerOf({ a: 'a' }), await layerOf({ b: 'b' })];
  const members = dockerArchive([{ layers: [base, top] }]);
  const [path] = Object.keys(members).filter((name) => members[name] === base);
  delete members[path as string];
  const folder = await writeFolder(members);
  const { stdout } = await runScript('dimgx -l @2 -t - "$1" | tar t; dimgx --json "$1"', folder);
  const text = stdout.toString();
  expect(text.slice(0, 2)).toBe('b\n');
  const problems = JSON.parse(text.slice(2)).layers.map(({ problem }: { problem: { code: string } | null }) => problem);
  expect(problems).toMatchObject([null, { code: 'DIMGX_SOURCE_MISSING_BLOB' }]);
  const whole = await runScript('dimgx -t - "$1"', folder);
  expect(whole.code).toBe(2);
  expect(whole.stderr).toContain('DIMGX_SOURCE_MISSING_BLOB');
});
