import type { ByteSource } from '../base/io/byte-source.js';
import type { Platform } from '../image/platform.js';
import type { Credentials } from '../registry/credentials/credentials.js';
import type {
  EngineHistoryStep,
  EngineImage,
  EngineImageDetails,
  NameStyle,
  PullProgress,
} from './engine-documents.js';

export type { EngineHistoryStep, EngineImage, EngineImageDetails, PullProgress };

export interface PullOptions {
  /** `os/arch[/variant]`; default: the engine's. */
  readonly platform?: string | undefined;
  /** For the registry. */
  readonly credentials?: Credentials | undefined;
  readonly onProgress?: ((progress: PullProgress) => void) | undefined;
}

/**
 * A container engine that answers. Names are of images: `name[:tag]`, `name@digest`, or an ID or its prefix.
 * What its methods throw: DIMGX_SOURCE_ENGINE_FAILED, DIMGX_SOURCE_ENGINE_DENIED, DIMGX_ABORTED; DIMGX_SOURCE_NO_ENGINE when
 * `ssh` cannot connect a second time.
 */
export interface Engine {
  /** `unix:///run/docker.sock`, `tcp://host:2376`, `ssh://me@host`, with the name of a context that led there; printable. */
  readonly location: string;
  /** Also tells whose engine it is. */
  readonly nameStyle: NameStyle;
  /** Every image, intermediate ones too. */
  images(): Promise<readonly EngineImage[]>;
  /**
   * @param platform of an image that the engine has for several; ignored by an engine that is too old to choose
   *   (before API 1.49)
   * @returns `undefined` when there is no such image
   */
  inspect(name: string, platform?: Platform): Promise<EngineImageDetails | undefined>;
  /**
   * Newest to oldest.
   *
   * @param platform as with `inspect`; chosen from API 1.48 on
   * @throws DIMGX_SOURCE_NO_SUCH_IMAGE, as of an image that was found and is gone
   */
  history(name: string, platform?: Platform): Promise<readonly EngineHistoryStep[]>;
  /**
   * What `docker save` of one image writes. Resolves when it begins: the engine may prepare for a minute. The source ends
   * without an error only when all of it has come.
   *
   * @param platform as with `history`
   * @throws DIMGX_SOURCE_NO_SUCH_IMAGE, as of an image that was found and is gone
   */
  save(name: string, platform?: Platform): Promise<ByteSource>;
  /** Has the engine fetch an image from its registry; without tag and digest, `latest`. */
  pull(name: string, options?: PullOptions): Promise<void>;
  /** Ends all connections; resolves when no `ssh` is left. */
  close(): Promise<void>;
}
