import * as v from 'valibot';
import { isObject } from '../../base/text/go-json.js';
import type { LayerOrigin } from '../../image/layer.js';
import { type Digest, isDigest } from '../../reference/digest.js';
import { shownJson } from './shown-json.js';
import type { StoreFiles } from './store-files.js';

/** Most origins that are told of a layer. Docker remembers 50. */
const MOST = 100;

/** Source: moby, distribution/metadata/v2_metadata_service.go. */
const DockerSchema = v.object({ Digest: v.string(), SourceRepository: v.string() });

/**
 * The repositories that Docker has pulled a layer from, or pushed it to. What is malformed is left out: it is only
 * shown.
 *
 * @param image the folder of the documents of a storage driver
 */
export function dockerOrigins(files: StoreFiles, image: string, diffId: Digest): readonly LayerOrigin[] {
  const rows = shownJson(files, `${image}/distribution/v2metadata-by-diffid/${diffId.replace(':', '/')}`);
  const origins = (Array.isArray(rows) ? rows : []).flatMap((row): readonly LayerOrigin[] => {
    const { success, output } = v.safeParse(DockerSchema, row);
    return success ? originsOf(output.SourceRepository, output.Digest) : [];
  });
  return distinct(origins);
}

/** An image of containers/storage: its names, and where its manifest is. */
export interface NamedManifest {
  readonly names: readonly string[];
  /** A path below the folder of the storage. */
  readonly manifest: string;
}

/**
 * The repositories that blobs came from, by the names of the images whose manifests list them. The storage has a manifest
 * as it was pulled. What is malformed is left out.
 *
 * @returns those of each digest that has any
 */
export function storageOrigins(
  files: StoreFiles,
  images: readonly NamedManifest[],
  digests: ReadonlySet<string>,
): ReadonlyMap<string, readonly LayerOrigin[]> {
  const origins = new Map<string, LayerOrigin[]>();
  if (digests.size === 0) return origins;
  for (const { names, manifest } of images) {
    const repositories = [...new Set(names.slice(0, MOST).map(repositoryOf))].filter(isRemote);
    if (repositories.length === 0) continue;
    for (const digest of new Set(blobsIn(shownJson(files, manifest)))) {
      if (!digests.has(digest)) continue;
      const found = repositories.flatMap((repository) => originsOf(repository, digest));
      origins.set(digest, [...distinct([...(origins.get(digest) ?? []), ...found])]);
    }
  }
  return origins;
}

/** @returns none if the digest is malformed */
export function originsOf(repository: string, digest: string): readonly LayerOrigin[] {
  return repository !== '' && isDigest(digest) ? [{ repository, digest }] : [];
}

function distinct(origins: readonly LayerOrigin[]): readonly LayerOrigin[] {
  const byText = new Map(origins.map((origin) => [`${origin.digest} ${origin.repository}`, origin]));
  return [...byText.values()].slice(0, MOST);
}

/** A name without its tag and its digest. */
function repositoryOf(name: string): string {
  return name.replace(/@.*$/s, '').replace(/:[^/:]*$/, '');
}

/** Podman calls what it builds `localhost/NAME`. */
function isRemote(repository: string): boolean {
  return !repository.startsWith('localhost/');
}

function blobsIn(manifest: unknown): readonly string[] {
  const layers = isObject(manifest) && Array.isArray(manifest.layers) ? manifest.layers : [];
  return layers.flatMap((layer: unknown) => (isObject(layer) && typeof layer.digest === 'string' ? layer.digest : []));
}
