import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithEngines } from '../helpers/engines.js';
import { temporaryFolder } from '../helpers/members.js';
import { type PodmanEngine, startPodmanEngine } from '../helpers/podman-engine.js';
import { runCommand } from '../helpers/run-command.js';
import { runDimgx } from '../helpers/run-dimgx.js';

const FIXTURE = fileURLToPath(new URL('../../fixtures/busybox-docker.tar', import.meta.url));

describeWithEngines('an image that Podman got with zstd layers', () => {
  let podman: PodmanEngine;

  beforeAll(async () => {
    podman = await startPodmanEngine();
  });
  afterAll(() => podman?.stop());

  it('is listed, and not saved for Docker: what is advised then gives it', async () => {
    const folder = await temporaryFolder();
    const archive = `${folder}/zstd.tar`;
    const compress = ['--dest-compress', '--dest-compress-format', 'zstd'];
    await runCommand('skopeo', [
      '--insecure-policy',
      'copy',
      ...compress,
      `docker-archive:${FIXTURE}`,
      `oci-archive:${archive}:box:1`,
    ]);
    await podman.run('load', '--quiet', '--input', archive);
    const id = (await podman.run('images', '--quiet')).trim();
    expect((await runDimgx('--host', podman.host, '-q', id)).stdout.split('\n')).toHaveLength(8);
    const refused = await runDimgx('--host', podman.host, '-t', `${folder}/out.tar`, id);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toMatch(
      /^dimgx: DIMGX_ENGINE_FAILED: [^\n]*: save it with `podman save --format oci-archive`, and read that archive\n$/,
    );
    await podman.run('save', '--format', 'oci-archive', '--output', `${folder}/oci.tar`, id);
    for (const [from, to] of [[`${folder}/oci.tar`, 'ours'] as const, [FIXTURE, 'theirs'] as const]) {
      expect(await runDimgx('-t', `${folder}/${to}.tar`, from)).toMatchObject({ code: 0, stderr: '' });
    }
    const [ours, theirs] = await Promise.all(['ours', 'theirs'].map((name) => readFile(`${folder}/${name}.tar`)));
    expect(ours?.equals(theirs as Buffer)).toBe(true);
  });
});
