import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { DockerClient } from '../helpers/docker-client.js';
import { writeDocker25Archive } from '../helpers/docker25.js';
import { describeWithEngines } from '../helpers/engines.js';
import { extractTar } from '../helpers/extract-tar.js';
import { DIMGX, flattenQuietly } from '../helpers/flatten-quietly.js';
import { listImage } from '../helpers/overlay-mount.js';
import { runCommand } from '../helpers/run-command.js';
import type { Tree } from '../helpers/tree.js';
import { timesLeftOpen, treeDifferences } from '../helpers/tree-differences.js';

const NAME = 'dimgx/busybox:docker';

/**
 * Each writes the image in one form into a folder, `archive` being what `docker save` of the engine wrote.
 * @returns the reference under which dimgx reads it
 */
const FORMS: Record<string, (archive: string, folder: string) => Promise<string>> = {
  'docker save': async (archive) => `docker-archive:${archive}`,
  'docker save, a bare path': async (archive) => archive,
  'docker save, chosen by name': async (archive) => `docker-archive:${archive}:${NAME}`,
  'docker save, compressed by gzip': async (archive, folder) => {
    await runCommand('bash', ['-c', `gzip -1 < ${archive} > ${folder}/form.tar.gz`]);
    return `${folder}/form.tar.gz`;
  },
  'docker save, unpacked': async (archive, folder) => {
    await runCommand('tar', ['-xf', archive, '-C', folder]);
    return `docker-archive:${folder}`;
  },
  'podman save --format docker-archive': (archive, folder) => podmanSave(archive, folder, 'docker-archive'),
  'podman save --format oci-archive': (archive, folder) => podmanSave(archive, folder, 'oci-archive'),
  'skopeo copy docker-archive:': (archive, folder) => skopeoCopy(archive, `docker-archive:${folder}/form.tar:a/b:c`),
  'skopeo copy oci:': (archive, folder) => skopeoCopy(archive, `oci:${folder}/form:tag`),
  'skopeo copy oci-archive:': (archive, folder) => skopeoCopy(archive, `oci-archive:${folder}/form.tar:tag`),
  'skopeo copy oci: with uncompressed layers': (archive, folder) =>
    skopeoCopy(archive, `oci:${folder}/form:tag`, '--dest-oci-accept-uncompressed-layers'),
  'skopeo copy dir:': (archive, folder) => skopeoCopy(archive, `dir:${folder}/form`),
  'skopeo copy dir: with gzip layers': (archive, folder) =>
    skopeoCopy(archive, `dir:${folder}/form`, '--dest-compress'),
  'Docker 25': async (archive, folder) => {
    await skopeoCopy(archive, `oci:${folder}/layout:tag`, '--dest-oci-accept-uncompressed-layers');
    await writeDocker25Archive(`${folder}/layout`, NAME, `${folder}/form.tar`);
    return `docker-archive:${folder}/form.tar`;
  },
  'Docker 25 with the containerd store': async (archive, folder) => {
    await skopeoCopy(archive, `oci:${folder}/layout:tag`);
    await writeDocker25Archive(`${folder}/layout`, NAME, `${folder}/form.tar`, true);
    return `docker-archive:${folder}/form.tar:${NAME}`;
  },
  'Docker 25 with the containerd store, as an OCI archive': async (archive, folder) => {
    await skopeoCopy(archive, `oci:${folder}/layout:tag`);
    await writeDocker25Archive(`${folder}/layout`, NAME, `${folder}/form.tar`, true);
    return `oci-archive:${folder}/form.tar`;
  },
};

/** Shell scripts that write the flat tar to `$OUT`, `$DIMGX` being the command. */
const PIPELINES: Record<string, string> = {
  'standard input': `docker save ${NAME} | $DIMGX -t "$OUT" -`,
  'standard input to standard output': `docker save ${NAME} | $DIMGX -t - - > "$OUT"`,
  'standard input that is a file': `docker save ${NAME} > "$OUT.in"; $DIMGX -t "$OUT" - < "$OUT.in"`,
  'standard input, compressed': `docker save ${NAME} | gzip -1 | $DIMGX -t "$OUT" -`,
  'a FIFO': `$DIMGX -t "$OUT" docker-archive:<(docker save ${NAME})`,
  'a FIFO, a bare path': `$DIMGX -t "$OUT" <(docker save ${NAME})`,
};

describeWithEngines('one image, in every form that engines write, flattens to the same bytes', () => {
  const docker = new DockerClient(inject('dockerHost'));
  const loadedAt = Date.now();
  let folder: string;
  let archive: string;
  let expected: Tree;
  let flat: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dimgx-forms-'));
    archive = `${folder}/saved.tar`;
    expected = await listImage(docker, await docker.load('fixtures/busybox-docker.tar'), folder);
    await docker.run('save', '-o', archive, NAME);
    await flattenQuietly(`docker-archive:${archive}`, `${folder}/first.tar`);
    flat = await hashOf(`${folder}/first.tar`);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('which are the tree that Docker shows a container', async () => {
    const { tree, stderr } = await extractTar('GNU tar', `${folder}/first.tar`, folder);
    expect(stderr).toBe('');
    expect(treeDifferences(expected, tree, timesLeftOpen(loadedAt))).toEqual([]);
  });

  it.each(Object.entries(FORMS))('%s', async (_, write) => {
    const place = await mkdtemp(join(folder, 'form-'));
    const reference = await write(archive, await mkdir(`${place}/in`, { recursive: true }).then(() => `${place}/in`));
    await flattenQuietly(reference, `${place}/out.tar`);
    expect(await hashOf(`${place}/out.tar`)).toBe(flat);
  });

  it.each(Object.entries(PIPELINES))('%s', async (_, script) => {
    const place = await mkdtemp(join(folder, 'pipe-'));
    const settings = `OUT=${place}/out.tar; DIMGX='${process.execPath} ${DIMGX}'`;
    expect((await docker.shell(`${settings}; ${script}`)).stderr).toBe('');
    expect(await hashOf(`${place}/out.tar`)).toBe(flat);
  });
});

async function skopeoCopy(archive: string, target: string, ...options: string[]): Promise<string> {
  await runCommand('skopeo', ['--insecure-policy', 'copy', ...options, `docker-archive:${archive}`, target]);
  return target;
}

async function podmanSave(archive: string, folder: string, format: string): Promise<string> {
  const podman = ['--root', `${folder}/root`, '--runroot', `${folder}/run`, '--storage-driver=overlay'];
  await runCommand('podman', [...podman, 'load', '-i', archive]);
  await runCommand('podman', [...podman, 'save', '--format', format, '-o', `${folder}/form.tar`, NAME]);
  await runCommand('bash', ['-c', `umount ${folder}/root/overlay 2>/dev/null || true`]);
  return `${format}:${folder}/form.tar`;
}

async function hashOf(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}
