import type { ByteSource } from '../base/io/byte-source.js';
import type { Container } from '../image/container.js';
import type { Platform } from '../image/platform.js';
import type { Credentials } from '../registry/credentials/auth-file.js';
import type {
  EngineHistoryStep,
  EngineImage,
  EngineImageDetails,
  NameStyle,
  PullProgress,
} from './engine-documents.js';

export type { EngineHistoryStep, EngineImage, EngineImageDetails, PullProgress };

export interface EnginePullOptions {
  /** `os/arch[/variant]`; default: the engine's. */
  readonly platform?: string | undefined;
  /** For the registry. */
  readonly credentials?: Credentials | undefined;
  readonly onProgress?: ((progress: PullProgress) => void) | undefined;
}

/**
 * A container engine that is reachable. A name is `name[:tag]`, `name@digest`, an ID, or the prefix of an ID.
 * Its methods throw DIMGX_ENGINE_FAILED, DIMGX_ENGINE_DENIED, DIMGX_ABORTED; and DIMGX_ENGINE_UNREACHABLE
 * when `ssh` cannot connect again.
 */
export interface Engine {
  /**
   * `unix:///run/docker.sock`, `tcp://host:2376` or `ssh://me@host`, with the name of the context it came from;
   * printable.
   */
  readonly location: string;
  /** Also shows which kind of engine it is. */
  readonly nameStyle: NameStyle;
  /** All images, including intermediate ones. */
  images(): Promise<readonly EngineImage[]>;
  /**
   * @param platform selects among the platforms of an image; engines before API 1.49 ignore it
   * @returns `undefined` if there is no such image
   */
  inspect(name: string, platform?: Platform): Promise<EngineImageDetails | undefined>;
  /**
   * Newest to oldest.
   *
   * @param platform as for `inspect`, but supported from API 1.48 on
   * @throws DIMGX_SOURCE_NO_SUCH_IMAGE if the image does not exist; callers pass an image found earlier, so it was
   *   removed
   */
  history(name: string, platform?: Platform): Promise<readonly EngineHistoryStep[]>;
  /**
   * The output of `docker save` for one image. Resolves when the output begins: the engine may prepare for a minute.
   * The source ends without an error only if it is complete.
   *
   * @param platform as for `history`
   * @throws DIMGX_SOURCE_NO_SUCH_IMAGE as for `history`
   */
  save(name: string, platform?: Platform): Promise<ByteSource>;
  /**
   * @param name a name, an ID, or the prefix of an ID
   * @returns `undefined` if there is no such container
   */
  container(name: string): Promise<Container | undefined>;
  /**
   * The output of `docker export`: the tree of a container as one tar.
   *
   * @param id of a container found earlier
   * @throws DIMGX_SOURCE_NO_SUCH_IMAGE if it was removed in the meantime
   */
  export(id: string): Promise<ByteSource>;
  /** Makes the engine pull an image from its registry; `latest` if the name has no tag or digest. */
  pull(name: string, options?: EnginePullOptions): Promise<void>;
  /**
   * The folder where the engine keeps images, as it says itself. Whether this process sees the same folder is not known.
   *
   * @returns `undefined` if the engine is not reached through a socket of this machine, or does not say
   */
  storageFolder(): Promise<string | undefined>;
  /** Ends all connections. Resolves once no `ssh` is left. */
  close(): Promise<void>;
}
