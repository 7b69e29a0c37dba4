import { createHash } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

/**
 * Writes an OCI layout with one image, tagged `1`.
 *
 * @param {string} folder to be made
 * @param {import('./tar-writer.mjs').Blob[]} layers oldest to newest; they are moved into it
 * @param {Buffer} config
 * @param {'tar' | 'tar+gzip' | 'tar+zstd'} format
 * @returns {Promise<string[]>} where the layers are now
 */
export async function writeLayout(folder, layers, config, format) {
  await mkdir(`${folder}/blobs/sha256`, { recursive: true });
  /** @param {string} digest */
  const place = (digest) => `${folder}/blobs/${digest.replace(':', '/')}`;
  /** @param {string} mediaType @param {Buffer} bytes */
  const put = async (mediaType, bytes) => {
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    await writeFile(place(digest), bytes);
    return { mediaType, digest, size: bytes.length };
  };
  for (const { path, digest } of layers) await rename(path, place(digest));
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: await put('application/vnd.oci.image.config.v1+json', config),
    layers: layers.map(({ digest, size }) => {
      return { mediaType: `application/vnd.oci.image.layer.v1.${format}`, digest, size };
    }),
  };
  const descriptor = {
    ...(await put(MANIFEST, Buffer.from(JSON.stringify(manifest)))),
    annotations: { 'org.opencontainers.image.ref.name': '1' },
  };
  await writeFile(`${folder}/index.json`, JSON.stringify({ schemaVersion: 2, manifests: [descriptor] }));
  await writeFile(`${folder}/oci-layout`, JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  return layers.map(({ digest }) => place(digest));
}
