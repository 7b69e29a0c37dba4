import { rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Resources } from '#dimgx/base/io/resources.js';
import { limitsOf } from '#dimgx/base/limits.js';
import { containerdRecords, goTime } from '#dimgx/source/disk/containerd/containerd-records.js';
import { snapshotChain } from '#dimgx/source/disk/containerd/containerd-snapshots.js';
import { StoreFiles } from '#dimgx/source/disk/store-files.js';
import { ContainerdStore } from '../../helpers/containerd-store.js';

/** Opens a store for one test. */
async function opened(store: ContainerdStore) {
  const { folder } = await store.write();
  const resources = new Resources();
  const files = await StoreFiles.open(folder, { resources, limits: limitsOf(undefined) });
  return { files, folder, [Symbol.asyncDispose]: () => resources.close() };
}

describe.runIf(process.platform === 'linux')('the containers of containerd', () => {
  test('are described by their records', async () => {
    const store = new ContainerdStore();
    const spec = {
      process: { args: ['sh', '-c', 'x'.repeat(300)] },
      mounts: [
        { destination: '/proc', type: 'proc', source: 'proc' },
        { destination: '/data', type: 'bind', source: '/srv', options: ['rbind', 'ro'] },
      ],
    };
    store.container('default', 'c1', { image: 'docker.io/library/app:1', labels: { 'nerdctl/name': 'web' }, spec });
    await using files = await opened(store);
    expect(containerdRecords(files.files, '')).toEqual([
      {
        container: {
          id: 'c1',
          names: ['web'],
          image: 'docker.io/library/app:1',
          status: 'unknown',
          created: '2026-11-29T02:43:28.338613728Z',
          command: ['sh', '-c', 'x'.repeat(300)],
          mounts: [{ type: 'bind', source: '/srv', destination: '/data', isWritable: false }],
          labels: { 'containerd/namespace': 'default', 'nerdctl/name': 'web' },
        },
        snapshot: { namespace: 'default', snapshotter: 'overlayfs', key: 'c1' },
      },
    ]);
  });

  test('have names in Kubernetes', async () => {
    const store = new ContainerdStore();
    const pod = { 'io.kubernetes.pod.name': 'dns-1', 'io.kubernetes.pod.namespace': 'kube-system' };
    store.container('k8s.io', 'a', { labels: { ...pod, 'io.kubernetes.container.name': 'dns' } });
    store.container('k8s.io', 'b', { labels: pod });
    await using files = await opened(store);
    expect(containerdRecords(files.files, '').map(({ container }) => container.names)).toEqual([
      ['kube-system/dns-1/dns', 'dns'],
      ['kube-system/dns-1/POD', 'POD'],
    ]);
  });

  test('with a malformed spec are described without it', async () => {
    const store = new ContainerdStore();
    store.container('default', 'c1', { spec: [] });
    await using files = await opened(store);
    expect(containerdRecords(files.files, '')).toMatchObject([{ container: { id: 'c1', mounts: [] } }]);
  });

  test('are created at times of Go', () => {
    const hex = (text: string) => goTime(Buffer.from(text, 'hex'));
    expect(hex('010000000e7791f70100000001ffff')).toBe('1970-01-01T00:00:01.000000001Z');
    expect(hex('010000000e7791f7013b9aca00ffff')).toBeUndefined();
    expect(hex('017fffffffffffffff00000000ffff')).toBeUndefined();
    expect(hex('01000000000000000000000000ffff')).toBeUndefined();
    expect(hex('0100')).toBeUndefined();
    expect(goTime(undefined)).toBeUndefined();
  });
});

describe.runIf(process.platform === 'linux')('the snapshots of containerd', () => {
  const wanted = { namespace: 'default', snapshotter: 'overlayfs', key: 'c1' };
  const damaged = expect.objectContaining({ code: 'DIMGX_STORE_DAMAGED' });

  test('lead from a container to the base of its image', async () => {
    const store = new ContainerdStore();
    store.snapshot('default', 'sha256:1', { id: 3 });
    store.snapshot('default', 'sha256:2', { id: 5, parent: 'sha256:1' });
    const labels = { 'containerd.io/snapshot/uidmapping': '0:100000:65536' };
    store.snapshot('default', 'c1', { id: 7, parent: 'sha256:2', labels });
    await using files = await opened(store);
    const place = 'io.containerd.snapshotter.v1.overlayfs/snapshots';
    expect(snapshotChain(files.files, '', wanted)).toEqual([
      { key: 'c1', folder: `${place}/7/fs`, isTree: false, uidMap: '0:100000:65536' },
      { key: 'sha256:2', folder: `${place}/5/fs`, isTree: false },
      { key: 'sha256:1', folder: `${place}/3/fs`, isTree: false },
    ]);
  });

  test('whose parents form a loop, or lead nowhere, are refused', async () => {
    const store = new ContainerdStore();
    store.snapshot('default', 'c1', { id: 1, parent: 'c2' });
    store.snapshot('default', 'c2', { id: 2, parent: 'c1' });
    store.snapshot('default', 'c3', { id: 3, parent: 'none' });
    await using files = await opened(store);
    for (const key of ['c1', 'c3', 'c4']) {
      expect(() => snapshotChain(files.files, '', { ...wanted, key })).toThrow(damaged);
    }
    rmSync(`${files.folder}/io.containerd.snapshotter.v1.overlayfs/metadata.db`);
    expect(() => snapshotChain(files.files, '', wanted)).toThrow(damaged);
  });

  test('of another snapshotter are refused by its name', async () => {
    await using files = await opened(new ContainerdStore());
    for (const snapshotter of ['stargz', '../x', 'toString']) {
      expect(() => snapshotChain(files.files, '', { ...wanted, snapshotter })).toThrow(
        expect.objectContaining({ code: 'DIMGX_SOURCE_UNSUPPORTED', message: expect.stringContaining(snapshotter) }),
      );
    }
  });
});

test.runIf(process.platform === 'linux')('what is left of a container without a record is listed, too', async () => {
  const store = new ContainerdStore();
  store.container('default', 'c1', {});
  store.snapshot('default', 'c1', { id: 1 });
  store.snapshot('moby', 'c1', { id: 2 });
  store.snapshot('default', 'sha256:1', { id: 3, kind: 'committed' });
  await using files = await opened(store);
  expect(containerdRecords(files.files, '')).toMatchObject([
    { container: { id: 'c1' }, snapshot: { namespace: 'default' } },
    {
      container: { id: 'c1', names: [], status: 'unknown', labels: { 'containerd/namespace': 'moby' } },
      snapshot: { namespace: 'moby', snapshotter: 'overlayfs', key: 'c1' },
    },
  ]);
});
