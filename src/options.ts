import type { CompressionName } from './compression/codec.js';
import type { Warn } from './errors.js';
import type { Limits } from './image/limits.js';

/** A step of the work, for progress bars. */
export interface Progress {
  /**
   * `pull`: an engine, or dimgx itself, fetches the image; `unpack`: it unpacks what it has fetched; `prepare`: it makes ready to save the
   * image; `open`: a stream is spooled; `inspect`: layers are indexed; `extract`: the tar is written; `verify`: the last
   * hashes.
   */
  readonly stage: 'pull' | 'unpack' | 'prepare' | 'open' | 'inspect' | 'extract' | 'verify';
  /** What is being worked on: the name of a layer, the image, the archive or the target; printable. */
  readonly item: string;
  /** In bytes. */
  readonly done: number;
  /** In bytes; `undefined` when it cannot be known. */
  readonly total: number | undefined;
}

/** What all functions of the library understand. */
export interface CommonOptions {
  /** Ends the work with DIMGX_ABORTED; everything held is given back. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  readonly onWarning?: Warn;
  /** Takes what may help to find out why something went wrong; printable. */
  readonly onInfo?: (message: string) => void;
  /** Warnings about the input become errors. Default false. */
  readonly strictInput?: boolean;
}

/** How registries are reached. */
export interface RegistryOptions {
  /** For the registry that is named; default: what `docker login` and `podman login` have stored. */
  readonly credentials?: { readonly username: string; readonly password: string };
  /** The only file to take stored credentials from; in the form of docker's `config.json`. */
  readonly authFile?: string;
  /** Layers that are downloaded at once. Default 3. */
  readonly jobs?: number;
  /** Of authorities that are trusted beside the usual ones; PEM. */
  readonly caFile?: string;
  /** Plain HTTP, and certificates that nobody vouches for. Default false. */
  readonly insecure?: boolean;
  /** `HOST=URL`: places that are asked before a registry. */
  readonly mirrors?: readonly string[];
  /** Download layers that are not in the registry from where their manifest says. Default false. */
  readonly allowForeignLayers?: boolean;
}

export interface OpenOptions extends CommonOptions, RegistryOptions {
  /** `os/arch[/variant]`; default: linux on this machine's architecture. */
  readonly platform?: string;
  /** Which of several images in an archive: a name, an ID or its prefix, or `@N` counted from 0. */
  readonly image?: string;
  /** Of the engine, as `unix://…`, `tcp://…` or `ssh://…`. Default: what `DOCKER_HOST` and docker's contexts say. */
  readonly host?: string;
  /**
   * Whether the engine is to pull the image; without an engine it is fetched from its registry. Default `never`.
   */
  readonly pull?: 'missing' | 'always' | 'never';
  /** The folder of the cache for what registries give; `false`: none. Default: the user's. */
  readonly cache?: string | false;
  /** Of a registry, take only what is in the cache. Default false. */
  readonly offline?: boolean;
  /** Where spools are made. Default: the system's temporary folder. */
  readonly tmpDir?: string;
  /** Compare digests, sizes and diff IDs. Default true. */
  readonly verify?: boolean;
  /** `maxSize` bounds an archive that is decompressed or streamed, too. */
  readonly limits?: Partial<Limits>;
}

export interface SelectOptions {
  /** Layer specs; default: all layers, newest first. */
  readonly layers?: readonly string[];
  readonly reverse?: boolean;
  /** A spec that selects nothing is DIMGX_INSPECT_LAYER_SPEC. Default false: a warning. */
  readonly strict?: boolean;
}

export interface InspectOptions extends CommonOptions {
  readonly verify?: boolean;
  readonly tmpDir?: string;
  readonly limits?: Partial<Limits>;
  /** Worker threads at most. Default: the machine's processors. */
  readonly threads?: number;
}

/** What became of one entry of a layer. Paths are printable: control characters are escaped. */
export interface EntryEvent {
  readonly action: 'write' | 'skip';
  readonly path: string;
  /** The layer's name. */
  readonly layer: string;
  /** For `skip`: why, in words that follow "skipping PATH". */
  readonly reason?: string;
}

export interface ExtractOptions extends CommonOptions {
  readonly limits?: Partial<Limits>;
  readonly onEntry?: (event: EntryEvent) => void;
}

export interface TargetOptions {
  /** Default: what the target's extension says, else `none`. */
  readonly compression?: CompressionName;
  readonly level?: number;
  /** That compress at once at most. Default: the machine's processors. */
  readonly threads?: number;
  /** Overwrite a regular file that exists. Default false. */
  readonly force?: boolean;
}
