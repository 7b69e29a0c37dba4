import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from './run-command.js';

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly [key: string]: unknown;
}

/**
 * Writes an archive as `docker save` in Docker 25 and later does, which no engine in Debian 12 can: an OCI layout
 * beside a manifest.json that names the same blobs. Source: moby, image/tarexport/save.go and containerd,
 * images/archive.
 *
 * @param layout an OCI layout of one image, as written by skopeo: with uncompressed layers the result is an archive of
 *   the classic store, with gzip layers one of the containerd store
 * @param nested puts the manifest into an index of its own, beside an attestation, as the containerd store keeps images
 *   built by BuildKit
 */
export async function writeDocker25Archive(
  layout: string,
  name: string,
  archive: string,
  nested = false,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'dimgx-docker25-'));
  try {
    await cp(layout, folder, { recursive: true });
    const [descriptor] = (await readJson(join(folder, 'index.json'))).manifests as [Descriptor];
    const manifest = await readJson(blobPath(folder, descriptor));
    const paths = (manifest.layers as Descriptor[]).map((layer) => blobName(layer));
    const config = blobName(manifest.config as Descriptor);
    await writeJson(join(folder, 'manifest.json'), [{ Config: config, RepoTags: [name], Layers: paths }]);
    const top = nested ? await nest(folder, descriptor) : descriptor;
    const annotations = {
      'io.containerd.image.name': `docker.io/${name}`,
      'org.opencontainers.image.ref.name': tagOf(name),
    };
    await writeJson(join(folder, 'index.json'), { schemaVersion: 2, manifests: [{ ...top, annotations }] });
    await runCommand(
      'tar',
      ['-c', '--sort=name', '-f', archive, 'blobs', 'index.json', 'manifest.json', 'oci-layout'],
      { cwd: folder },
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Source: BuildKit, docs/attestations/attestation-storage.md. */
async function nest(folder: string, image: Descriptor): Promise<Descriptor> {
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', ...(await addBlob(folder, {})) };
  const attestation = await addBlob(folder, { schemaVersion: 2, mediaType, config, layers: [] });
  const mine = { ...image, platform: { architecture: 'amd64', os: 'linux' } };
  const annotations = {
    'vnd.docker.reference.type': 'attestation-manifest',
    'vnd.docker.reference.digest': image.digest,
  };
  const other = { mediaType, ...attestation, annotations, platform: { architecture: 'unknown', os: 'unknown' } };
  const index = { schemaVersion: 2, mediaType: INDEX, manifests: [mine, other] };
  return { mediaType: INDEX, ...(await addBlob(folder, index)) };
}

const INDEX = 'application/vnd.oci.image.index.v1+json';

async function addBlob(folder: string, document: unknown): Promise<{ digest: string; size: number }> {
  const bytes = Buffer.from(JSON.stringify(document));
  const hex = createHash('sha256').update(bytes).digest('hex');
  await writeFile(join(folder, 'blobs/sha256', hex), bytes);
  return { digest: `sha256:${hex}`, size: bytes.length };
}

function blobName(descriptor: Descriptor): string {
  return `blobs/${descriptor.digest.replace(':', '/')}`;
}

function blobPath(folder: string, descriptor: Descriptor): string {
  return join(folder, blobName(descriptor));
}

function tagOf(name: string): string {
  return name.slice(name.lastIndexOf(':') + 1);
}

async function readJson(path: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(path, 'utf8'));
}

async function writeJson(path: string, document: unknown): Promise<void> {
  await writeFile(path, JSON.stringify(document));
}
