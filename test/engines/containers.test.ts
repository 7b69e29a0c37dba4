import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { shellWord } from '#dimgx/base/text/printable.js';
import { listImages } from '#dimgx/source/list-images.js';
import { openImage } from '#dimgx/source/resolve.js';
import { whyNoBtrfs } from '../helpers/btrfs-disk.js';
import { CHANGED_LAYER, CHANGES, changeTree } from '../helpers/container-changes.js';
import { dockerArchive } from '../helpers/docker-archive.js';
import { DockerClient } from '../helpers/docker-client.js';
import { CAN_REMAP, startDockerEngine, startRemappedEngine } from '../helpers/docker-engine.js';
import { describeWithEngines } from '../helpers/engines.js';
import { extractTar } from '../helpers/extract-tar.js';
import { flattenImage } from '../helpers/flatten-image.js';
import { archiveOf } from '../helpers/members.js';
import { changeOverlay, listOverlay } from '../helpers/overlay-mount.js';
import { Podman } from '../helpers/podman.js';
import { rawLayer } from '../helpers/raw-layer.js';
import { runCommand } from '../helpers/run-command.js';
import { listTree, type Tree, type TreeEntry } from '../helpers/tree.js';
import { treeDifferences } from '../helpers/tree-differences.js';

const NAME = 'dimgx/changed:1';

let folder = '';
let archive = '';

/** An image for containers to change, with a shell. */
async function writeImage(): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), 'dimgx-containers-'));
  chmodSync(folder, 0o755);
  archive = join(folder, 'image.tar');
  const { tar } = await flattenImage('fixtures/busybox-docker.tar');
  const shell = execFileSync('tar', ['-xO', './bin/sh'], { input: tar, maxBuffer: 2 ** 24 });
  const base = rawLayer([
    { name: 'bin/', type: '5' },
    { name: 'bin/sh', mode: 0o755, content: shell.toString('latin1') },
  ]);
  writeFileSync(archive, await archiveOf(dockerArchive([{ tags: [NAME], layers: [base, CHANGED_LAYER] }])));
}

async function extracted(reference: string): Promise<Tree> {
  const { tar } = await flattenImage(reference);
  const own = mkdtempSync(join(folder, 'x-'));
  writeFileSync(join(own, 'tar'), tar);
  return (await extractTar('GNU tar', join(own, 'tar'), own)).tree;
}

/** What a tar can hold, with owners less by the first ID of the user namespace. */
function expected(tree: Tree, shift = 0): Tree {
  const less = (id: string) => String(Number(id) >= shift ? Number(id) - shift : id);
  const moved = ({ owner, ...rest }: TreeEntry) => ({ ...rest, owner: owner.split(':').map(less).join(':') });
  return new Map([...tree].filter(([, { type }]) => type !== 'socket').map(([path, entry]) => [path, moved(entry)]));
}

const exact = () => false;

describeWithEngines('containers in the storage of an engine', () => {
  beforeAll(writeImage);
  afterAll(() => rmSync(folder, { recursive: true }));

  describe("Docker's, with overlay2", () => {
    const docker = new DockerClient(inject('dockerHost'));
    let root = '';
    beforeAll(async () => {
      root = await docker.run('info', '--format', '{{.DockerRootDir}}');
      await docker.load(archive);
    });
    afterAll(async () => {
      await docker.run('rm', '-f', 'dimgx-changed', 'dimgx-running');
      await docker.run('rmi', NAME);
    });

    test('one that was created and changed', async () => {
      await docker.run('create', '--name', 'dimgx-changed', '--network', 'none', NAME, 'sh');
      const { lower, upper } = await layersOf(docker, 'dimgx-changed');
      await changeOverlay({ below: lower, changes: upper, folder: mkdtempSync(join(folder, 'c-')) }, [], changeTree);
      const shown = await listOverlay([...lower, upper], mkdtempSync(join(folder, 'm-')));
      const ours = await extracted(`docker-root:${root}:container/dimgx-changed`);
      expect(treeDifferences(expected(shown), ours, exact)).toEqual([]);
      expect(ours.has('.dockerenv')).toBe(true);
    });

    test('one that is running, with what an engine exports', async () => {
      const script = 'echo own > /own; rm /lower/kept; while :; do sleep 1; done';
      await docker.run('run', '-d', '--name', 'dimgx-running', '--network', 'none', NAME, 'sh', '-c', script);
      await expect.poll(() => docker.run('diff', 'dimgx-running')).toContain('/own');
      const reference = `docker-root:${root}:container/dimgx-running`;
      await using image = await openImage(reference);
      expect(image.container).toMatchObject({ status: 'running', image: NAME, names: ['dimgx-running'] });
      const exported = join(folder, 'exported.tar');
      await docker.run('export', '-o', exported, 'dimgx-running');
      const { tree } = await extractTar('GNU tar', exported, mkdtempSync(join(folder, 'e-')));
      const times = (_: string, field: string) => field === 'mtime'; // an export has whole seconds
      expect(treeDifferences(tree, await extracted(reference), times)).toEqual([]);
    });
  });

  test.skipIf(!CAN_REMAP)("Docker's, with user namespaces (needs a user of its own)", async () => {
    const engine = await startRemappedEngine();
    try {
      const docker = new DockerClient(engine.host);
      await docker.load(archive);
      await docker.run('create', '--name', 'changed', '--network', 'none', NAME, 'sh');
      const { lower, upper } = await layersOf(docker, 'changed');
      const [shift] = /\d+(?=\.\d+$)/.exec(await docker.run('info', '--format', '{{.DockerRootDir}}')) ?? [];
      await changeOverlay({ below: lower, changes: upper, folder: mkdtempSync(join(folder, 'c-')) }, [], changeTree);
      const shown = await listOverlay([...lower, upper], mkdtempSync(join(folder, 'm-')));
      const ours = await extracted(`docker-root:${engine.data}:container/changed`);
      expect(treeDifferences(expected(shown, Number(shift)), ours, exact)).toEqual([]);
    } finally {
      await engine.stop();
    }
  });

  test.skipIf(whyNoBtrfs() !== '')(`Docker's, with btrfs${whyNoBtrfs()}`, async () => {
    const engine = await startDockerEngine('btrfs');
    try {
      const docker = new DockerClient(engine.host);
      await docker.load(archive);
      const id = await docker.run('create', '--name', 'changed', '--network', 'none', NAME, 'sh');
      await engine.end();
      const mount = readFileSync(`${engine.data}/image/btrfs/layerdb/mounts/${id}/mount-id`, 'utf8');
      const subvolume = `${engine.data}/btrfs/subvolumes/${mount}`;
      await changeTree(subvolume);
      await runCommand('btrfs', ['subvolume', 'snapshot', '-r', subvolume, `${engine.data}/view`]);
      const shown = await listTree(`${engine.data}/view`);
      const ours = await extracted(`docker-root:${engine.data}:container/changed`);
      expect(treeDifferences(expected(shown), ours, exact)).toEqual([]);
      expect([...ours.keys()]).toEqual(expect.arrayContaining(['.dockerenv', 'new/file', 'lower/renamed']));
      expect(ours.get('new/file')?.xattrs).toBe('user.note=0x68656c6c6f');
    } finally {
      await engine.stop();
    }
  });

  test.each([
    ['overlay', [], []],
    ['overlay', ['--storage-opt=overlay.mountopt=nodev,metacopy=on'], []],
    ['overlay', [], ['--uidmap=0:200000:65536', '--gidmap=0:200000:65536']],
    ['vfs', [], []],
  ] as const)("Podman's, with %s %s %s", async (driver, options, mapping) => {
    const podman = await Podman.start(driver, options);
    try {
      await podman.load(archive);
      await podman.run('create', '--name', 'c', '--network', 'none', ...mapping, NAME, 'sh');
      const mounted = await podman.run('mount', 'c');
      await changeTree(mounted);
      const shown = await listTree(mounted);
      await podman.run('unmount', 'c');
      const ours = await extracted(`containers-storage:[${podman.root}]container/c`);
      expect(treeDifferences(expected(shown, mapping.length > 0 ? 200_000 : 0), ours, exact)).toEqual([]);
      const { containers } = await listImages(podman.root);
      expect(containers).toEqual([
        expect.objectContaining({ names: ['c'], image: `localhost/${NAME}`, status: 'created', command: ['sh'] }),
      ]);
    } finally {
      await podman.stop();
    }
  });

  describe.skipIf(!CAN_REMAP)("a user's Podman (needs a user of its own)", () => {
    const USER = 'dimgx-test';
    beforeAll(() => {
      if (lacksUser(USER)) execFileSync('useradd', ['--no-create-home', USER]);
      chmodSync('/dev/fuse', 0o666);
    });

    test.each([
      ['overlayfs', []],
      ['fuse-overlayfs', ['--storage-opt=overlay.mount_program=/usr/bin/fuse-overlayfs']],
    ])('with %s', async (program, options) => {
      const home = mkdtempSync(join(folder, 'user-'));
      const uid = Number(execFileSync('id', ['-u', USER]).toString());
      chownSync(home, uid, uid);
      const podman = `podman --root ${home}/root --runroot ${home}/run --storage-driver=overlay ${options.join(' ')} --cgroup-manager=cgroupfs`;
      // Everything happens in the user namespace, as the container sees it.
      writeFileSync(
        join(home, 'inside'),
        `set -e
        M=$(${podman} mount c)
        bash -c ${shellWord(CHANGES)} bash $M devices
        ${podman} unmount c
        M=$(${podman} mount c)
        tar --create --file=${home}/shown.tar --format=posix --xattrs --xattrs-include='*' --warning=none -C $M .
        ${podman} unmount c`,
      );
      const script = `
        set -e
        export HOME=${home} XDG_RUNTIME_DIR=${home}
        ${podman} load -q -i ${archive}
        ${podman} create --name c --network none --cgroups=disabled ${NAME} sh
        ${podman} unshare bash ${home}/inside`;
      const user = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
      await runCommand('setpriv', [...user, 'bash', '-c', script], { cwd: home });
      const { tree: shown } = await extractTar('GNU tar', join(home, 'shown.tar'), mkdtempSync(join(folder, 's-')));
      const ours = await extracted(`containers-storage:[overlay@${home}/root]container/c`);
      // fuse-overlayfs takes hard links in layers for one file
      const ignore = (path: string) => program === 'fuse-overlayfs' && path.startsWith('lower/hard');
      expect(treeDifferences(expected(shown), ours, ignore)).toEqual([]);
      expect(shown.size).toBeGreaterThan(40);
    });
  });
});

async function layersOf(docker: DockerClient, name: string) {
  const { LowerDir, UpperDir } = JSON.parse(
    await docker.run('inspect', '--format', '{{json .GraphDriver.Data}}', name),
  );
  return { lower: (LowerDir as string).split(':').reverse(), upper: UpperDir as string };
}

function lacksUser(name: string): boolean {
  try {
    execFileSync('id', [name], { stdio: 'ignore' });
    return false;
  } catch {
    return true;
  }
}
