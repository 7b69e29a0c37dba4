import * as v from 'valibot';
import { type Container, type ContainerStatus, hasCome } from '../image/container.js';
import { checkShape } from '../image/document.js';
import { INDEX_TYPES } from '../image/manifest.js';
import { type Digest, isDigest } from '../reference/digest.js';

/** An image in the engine's list. All IDs are 64 hex digits. */
export interface EngineImage {
  readonly id: string;
  /** The image it was built on, if the engine knows. */
  readonly parentId: string | undefined;
  /** `name:tag`. */
  readonly repoTags: readonly string[];
  /** `name@digest`. */
  readonly repoDigests: readonly string[];
  /**
   * Tags and digests with names as the engine writes them. Podman distinguishes `localhost/x` from
   * `docker.io/library/x`; both are shortened to `x`.
   */
  readonly fullNames: readonly string[];
  /** In seconds since 1970. */
  readonly created: number;
  /** Size of all its layers, in bytes. */
  readonly size: number;
}

/** The engine's details of one image. */
export interface EngineImageDetails {
  readonly id: string;
  readonly parentId: string | undefined;
  readonly repoTags: readonly string[];
  readonly repoDigests: readonly string[];
  /** As in the config: RFC 3339. */
  readonly created: string | undefined;
  readonly architecture: string | undefined;
  readonly os: string | undefined;
  readonly variant: string | undefined;
  /** Oldest to newest. */
  readonly diffIds: readonly Digest[];
  /** Size of all its layers, in bytes. */
  readonly size: number;
  /**
   * The document whose digest is the ID, in an engine that stores images as registries do (Docker's containerd store):
   * the index, or the manifest of one platform. `undefined` if the ID is the digest of the config.
   */
  readonly descriptor: { readonly digest: Digest; readonly isIndex: boolean } | undefined;
}

/**
 * One step of an image's history, as the engine reports it. `historySteps` finds out which image each step completes.
 */
export interface EngineHistoryStep {
  /** In seconds since 1970. */
  readonly created: number;
  readonly createdBy: string;
  readonly comment: string;
  /** In bytes. */
  readonly size: number;
}

/** A progress report of the engine during a pull. The texts are the engine's, and not printable yet. */
export interface PullProgress {
  /** Abbreviated ID of a layer, or of another subject of the status. */
  readonly id: string | undefined;
  readonly status: string;
  /** In bytes, if the engine counts them. */
  readonly current: number | undefined;
  readonly total: number | undefined;
}

/** How an engine writes names. */
export type NameStyle = 'docker' | 'podman';

const IMAGE_ID = /^(?:sha256:)?([0-9a-f]{64})$/;

const ImageId = v.pipe(
  v.string(),
  v.regex(IMAGE_ID, 'an image ID is 64 hex digits'),
  v.transform((text) => text.slice(-64)),
);
const NoImage = v.pipe(
  v.picklist(['', '<missing>']),
  v.transform(() => undefined),
);
const AnyImage = v.nullish(v.union([NoImage, ImageId]), '');
const Names = v.nullish(v.array(v.string()), []);
const Text = v.pipe(
  v.nullish(v.string()),
  v.transform((text) => text || undefined),
);

const ImagesSchema = v.array(
  v.object({
    Id: ImageId,
    ParentId: AnyImage,
    RepoTags: Names,
    RepoDigests: Names,
    Created: v.number(),
    Size: v.number(),
  }),
);

const AnyDigest = v.custom<Digest>((text) => typeof text === 'string' && isDigest(text));

const DetailsSchema = v.object({
  Id: ImageId,
  Parent: AnyImage,
  RepoTags: Names,
  RepoDigests: Names,
  Created: Text,
  Architecture: Text,
  Os: Text,
  Variant: Text,
  RootFS: v.nullish(
    v.object({
      Layers: v.nullish(v.array(AnyDigest), []),
    }),
    {},
  ),
  Size: v.number(),
  Descriptor: v.nullish(v.object({ mediaType: v.nullish(v.string(), ''), digest: AnyDigest })),
});

const HistorySchema = v.array(
  v.object({
    Created: v.number(),
    CreatedBy: v.nullish(v.string(), ''),
    Comment: v.nullish(v.string(), ''),
    Size: v.number(),
  }),
);

const ContainerSchema = v.object({
  Id: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  Name: Text,
  Image: Text,
  Created: Text,
  Config: v.nullish(v.object({ Image: Text }), {}),
  State: v.nullish(v.object({ Status: Text, ExitCode: v.nullish(v.number()), StartedAt: Text, FinishedAt: Text }), {}),
});

const STATUSES: readonly string[] = ['created', 'running', 'paused', 'restarting', 'exited', 'dead'];

/** What an engine says of a container; without its mounts. @throws DIMGX_IMAGE_BAD_JSON */
export function readContainer(document: unknown): Container {
  const container = checkShape(document, ContainerSchema, 'its description of the container');
  const { Id: id, Name: name, Image: image, Created: created, Config: config, State: state } = container;
  const hex = image?.replace(/^sha256:/, '');
  const { StartedAt: started, FinishedAt: finished } = state;
  const status = STATUSES.includes(state.Status ?? '') ? (state.Status as ContainerStatus) : 'unknown';
  return {
    id,
    names: name ? [name.replace(/^\//, '')] : [],
    ...(config.Image && { image: config.Image }),
    ...(hex && /^[0-9a-f]{64}$/.test(hex) && { imageId: hex }),
    status,
    ...(status === 'exited' && typeof state.ExitCode === 'number' && { exitCode: state.ExitCode }),
    ...(created && { created }),
    ...(hasCome(started) && { started }),
    ...(hasCome(finished) && { finished }),
    mounts: [],
  };
}

const InfoSchema = v.object({ DockerRootDir: Text });

/** @throws DIMGX_IMAGE_BAD_JSON, like the other functions in this file */
export function readStorageFolder(document: unknown): string | undefined {
  return checkShape(document, InfoSchema, 'its description of itself').DockerRootDir;
}

/** @throws DIMGX_IMAGE_BAD_JSON */
export function readImages(document: unknown, style: NameStyle): EngineImage[] {
  return checkShape(document, ImagesSchema, 'its list of images').map((image) => ({
    id: image.Id,
    parentId: image.ParentId,
    repoTags: names(image.RepoTags, style),
    repoDigests: names(image.RepoDigests, style),
    fullNames: names([...image.RepoTags, ...image.RepoDigests], 'docker'),
    created: image.Created,
    size: image.Size,
  }));
}

export function readDetails(document: unknown, style: NameStyle): EngineImageDetails {
  const image = checkShape(document, DetailsSchema, 'its description of the image');
  return {
    id: image.Id,
    parentId: image.Parent,
    repoTags: names(image.RepoTags, style),
    repoDigests: names(image.RepoDigests, style),
    created: image.Created,
    architecture: image.Architecture,
    os: image.Os,
    variant: image.Variant,
    diffIds: image.RootFS.Layers,
    size: image.Size,
    descriptor: image.Descriptor
      ? { digest: image.Descriptor.digest, isIndex: INDEX_TYPES.includes(image.Descriptor.mediaType) }
      : undefined,
  };
}

export function readHistory(document: unknown): EngineHistoryStep[] {
  return checkShape(document, HistorySchema, "its image's history").map((step) => ({
    created: step.Created,
    createdBy: step.CreatedBy,
    comment: step.Comment,
    size: step.Size,
  }));
}

/** Names as Docker shows them. Images without a name get none, and Podman's full names are shortened. */
function names(list: readonly string[], style: NameStyle): string[] {
  const named = list.filter((name) => !/^<none>|[:@]<none>$/.test(name));
  return style === 'docker'
    ? named
    : named.map((name) => name.replace(/^(?:localhost|docker\.io(?:\/library)?)\//, ''));
}
