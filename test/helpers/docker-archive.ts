import { type BuiltImage, configOf, diffIdOf, gzipped, sha256 } from './built-image.js';
import type { Member } from './members.js';
import { type LayoutOptions, OciLayout, taggedDescriptors } from './oci-layout.js';

/** The ID of a layer's folder in `dockerArchive`. As in Docker, it depends on all layers up to that one. */
export function legacyIdOf(layers: readonly Uint8Array[]): string {
  return sha256(layers.map(diffIdOf).join(' '));
}

/** The output of `docker save` in Docker 1.10 to 24: `<id>/layer.tar` and `<id>.json` beside `manifest.json`. */
export function dockerArchive(images: readonly BuiltImage[]): Record<string, Member> {
  const members: Record<string, Member> = {};
  const manifest = images.map((image) => {
    const config = configOf(image);
    members[`${sha256(config)}.json`] = config;
    const Layers = image.layers.map((layer, index) => {
      const path = `${legacyIdOf(image.layers.slice(0, index + 1))}/layer.tar`;
      members[path] = layer;
      return path;
    });
    return { Config: `${sha256(config)}.json`, RepoTags: image.tags ?? null, Layers };
  });
  members['manifest.json'] = JSON.stringify(manifest);
  return members;
}

/**
 * The output of `docker save` in Docker 25 and later: an OCI layout with `manifest.json` beside it. With `gzip` and
 * `nested`, it is as from the containerd store.
 */
export function docker25Archive(images: readonly BuiltImage[], options: LayoutOptions = {}): Record<string, Member> {
  const layout = new OciLayout();
  const members = layout.top(images.flatMap((image) => taggedDescriptors(layout, image, options)));
  const manifest = images.map((image) => {
    const layers = image.layers.map((layer) => ({ layer, stored: options.gzip ? gzipped(layer) : layer }));
    const sources = layers.map(({ layer, stored }) => {
      const mediaType = `application/vnd.oci.image.layer.v1.tar${options.gzip ? '+gzip' : ''}`;
      return [diffIdOf(layer), { mediaType, size: stored.length, digest: `sha256:${sha256(stored)}` }] as const;
    });
    return {
      Config: `blobs/sha256/${sha256(configOf(image))}`,
      RepoTags: image.tags ?? null,
      Layers: layers.map(({ stored }) => `blobs/sha256/${sha256(stored)}`),
      LayerSources: Object.fromEntries(sources),
    };
  });
  members['manifest.json'] = JSON.stringify(manifest);
  return members;
}

/** A layer in the format of 2015. */
export interface V1Layer {
  /** 64 hex digits. */
  readonly id: string;
  readonly parent?: string;
  readonly layer: Uint8Array;
  readonly tags?: readonly string[];
}

/**
 * The output of `docker save` up to 1.9: `repositories`, `<id>/json` files that name their parents, `<id>/layer.tar`.
 */
export function dockerV1Archive(layers: readonly V1Layer[]): Record<string, Member> {
  const members: Record<string, Member> = {};
  const repositories: Record<string, Record<string, string>> = {};
  for (const { id, parent, layer, tags = [] } of layers) {
    members[`${id}/VERSION`] = '1.0';
    members[`${id}/json`] = JSON.stringify({
      id,
      ...(parent && { parent }),
      created: '2015-01-02T03:04:05Z',
      container_config: { Cmd: ['/bin/sh', '-c', `echo ${id.slice(0, 4)}`] },
      architecture: 'amd64',
      os: 'linux',
    });
    members[`${id}/layer.tar`] = layer;
    for (const tag of tags) {
      const colon = tag.lastIndexOf(':');
      const name = tag.slice(0, colon);
      repositories[name] = { ...repositories[name], [tag.slice(colon + 1)]: id };
    }
  }
  members.repositories = JSON.stringify(repositories);
  return members;
}
