import { describe, expect, test } from 'vitest';
import { imageIdOf, layerOf, sha256 } from '../../helpers/built-image.js';
import { type Members, writeFolder } from '../../helpers/members.js';
import { OciLayout } from '../../helpers/oci-layout.js';
import { bytesOf, opened, refusal } from '../../helpers/opened.js';

const base = await layerOf({ a: 'one' });
const app = { layers: [base] };

/** What skopeo writes: blobs by bare hex digits, the manifest as `manifest.json`. */
function skopeoDir(layout: OciLayout, digest: string): Members {
  const blobs = Object.entries(layout.members).filter(([name]) => name.startsWith('blobs/'));
  const named = blobs.map(([name, bytes]) => [name.replace('blobs/sha256/', ''), bytes] as const);
  const manifest = layout.members[`blobs/sha256/${digest.slice(7)}`] ?? '';
  return [...named, ['manifest.json', manifest], ['version', 'Directory Transport Version: 1.1\n']];
}

describe("skopeo's dir:", () => {
  test('is told from an unpacked docker save by itself', async () => {
    const layout = new OciLayout();
    const { digest } = layout.manifest(app);
    const folder = await writeFolder(skopeoDir(layout, digest));
    for (const reference of [`dir:${folder}`, folder]) {
      const image = await opened(reference);
      expect(image).toMatchObject({ id: imageIdOf(app), manifestDigest: digest, source: { transport: 'dir' } });
      expect(await Promise.all(image.layers.map(({ blob }) => bytesOf(blob)))).toEqual([base]);
    }
  });

  test('may hold an index and the manifests of its platforms', async () => {
    const layout = new OciLayout();
    const manifest = { ...layout.manifest(app), platform: { os: 'linux', architecture: 's390x' } };
    const index = layout.index([manifest]);
    const hex = manifest.digest.slice(7);
    const members = [...(skopeoDir(layout, index.digest) as [string, string][])].map(
      ([name, bytes]) => [name === hex ? `${name}.manifest.json` : name, bytes] as const,
    );
    const image = await opened(`dir:${await writeFolder(members)}`, { platform: 'linux/s390x' });
    expect(image.id).toBe(imageIdOf(app));
  });

  test('is refused when a blob is missing or the image chosen is another', async () => {
    const layout = new OciLayout();
    const { digest } = layout.manifest(app);
    const folder = await writeFolder(skopeoDir(layout, digest));
    expect((await refusal(folder, { image: 'ffff' })).code).toBe('DIMGX_SOURCE_NO_SUCH_IMAGE');
    delete layout.members[`blobs/sha256/${sha256(base)}`];
    expect((await refusal(await writeFolder(skopeoDir(layout, digest)))).code).toBe('DIMGX_SOURCE_MISSING_BLOB');
  });

  test('is not read as something else', async () => {
    const layout = new OciLayout();
    const folder = await writeFolder(skopeoDir(layout, layout.manifest(app).digest));
    for (const transport of ['oci', 'docker-archive']) {
      expect((await refusal(`${transport}:${folder}`)).code).toBe('DIMGX_SOURCE_NOT_AN_IMAGE');
    }
  });
});
