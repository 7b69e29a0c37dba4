import type { CompressionName } from './compression/codec.js';
import type { Warn } from './errors.js';
import type { Pool } from './inspect/pool.js';

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
  readonly signal?: AbortSignal | undefined;
  /** Called often: at each step of the work. See docs/library.md for callbacks that throw or are async. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Called for each warning as it arises; many of one kind in one layer are one. */
  readonly onWarning?: Warn | undefined;
  /** Takes what may help to find out why something went wrong; printable. */
  readonly onInfo?: ((message: string) => void) | undefined;
  /** Warnings about the input become errors. Default false. */
  readonly strictInput?: boolean | undefined;
}

/** A name and a password, or a token, for a registry. */
export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
}

/** Bounds on what an image may make dimgx do; what is left out, or undefined, has its default. `Infinity`: no bound. */
export interface LimitOptions {
  /** Of all layers, uncompressed, in bytes, the real sizes of sparse files counted. Default 1 TiB. */
  readonly maxSize?: number | undefined;
  /** Entries in all layers together. Default 10,000,000. */
  readonly maxEntries?: number | undefined;
}

/** How registries are reached. */
export interface RegistryOptions {
  /** For the registry that is named; default: what `docker login` and `podman login` have stored. */
  readonly credentials?: RegistryCredentials | undefined;
  /** The only file to take stored credentials from; in the form of docker's `config.json`. */
  readonly authFile?: string | undefined;
  /** Layers that are downloaded at once. Default 3. */
  readonly jobs?: number | undefined;
  /** Of authorities that are trusted beside the usual ones; PEM. */
  readonly caFile?: string | undefined;
  /** A folder with `*.crt`, `NAME.cert` and `NAME.key`, like those in `certs.d`. */
  readonly certDir?: string | undefined;
  /** Plain HTTP, and certificates that nobody vouches for. Default false. */
  readonly insecure?: boolean | undefined;
  /** Ask the registry that is named by plain HTTP, and do not try TLS. Default false. */
  readonly plainHttp?: boolean | undefined;
  /** How often a request that fails is repeated. Default 4. */
  readonly retry?: number | undefined;
  /** `HOST=URL`: places that are asked before a registry. */
  readonly mirrors?: readonly string[] | undefined;
  /** Download layers that are not in the registry from where their manifest says. Default false. */
  readonly allowForeignLayers?: boolean | undefined;
}

/** For `openImage`. */
export interface OpenOptions extends CommonOptions, RegistryOptions {
  /**
   * `os/arch[/variant]`, or the name of an architecture for linux; default: `DOCKER_DEFAULT_PLATFORM`, else linux on this
   * machine's architecture.
   */
  readonly platform?: string | undefined;
  /** Which of several images in an archive: a name, an ID or its prefix, or `@N` counted from 0. */
  readonly image?: string | undefined;
  /**
   * Folders in which blobs are looked for that are not in the archive or layout: as `DIR/ALGORITHM/HEX`, `DIR/HEX` or
   * `DIR/blobs/ALGORITHM/HEX`. They are compared with their digests even with `verify: false`.
   */
  readonly blobs?: readonly string[] | undefined;
  /** Of the engine, as `unix://…`, `tcp://…` or `ssh://…`. Default: what `DOCKER_HOST` and docker's contexts say. */
  readonly host?: string | undefined;
  /**
   * Whether the engine is to pull the image; without an engine it is fetched from its registry. Default `never`.
   */
  readonly pull?: 'missing' | 'always' | 'never' | undefined;
  /** The folder of the cache for what registries give; `false`: none. Default: the user's. */
  readonly cache?: string | false | undefined;
  /** Of a registry, take only what is in the cache. Default false. */
  readonly offline?: boolean | undefined;
  /** Where spools are made. Default: the system's temporary folder. */
  readonly tmpDir?: string | undefined;
  /** Compare digests, sizes and diff IDs. Default true. */
  readonly verify?: boolean | undefined;
  /** `maxSize` bounds an archive that is decompressed or streamed, too. */
  readonly limits?: LimitOptions | undefined;
}

/** For `selectLayers`. */
export interface SelectOptions {
  /** Layer specs; default: all layers, newest first. */
  readonly layers?: readonly string[] | undefined;
  /** Oldest first, where no layers are named; the order of the specs as they stand, where they are. Default false. */
  readonly reverse?: boolean | undefined;
  /** A spec that selects nothing is DIMGX_INSPECT_LAYER_SPEC. Default false: a warning. */
  readonly strict?: boolean | undefined;
}

/** For `inspectLayers`. */
export interface InspectOptions extends CommonOptions {
  /** Compare digests, sizes and diff IDs. Default true. */
  readonly verify?: boolean | undefined;
  /** Where spools are made. Default: the system's temporary folder. */
  readonly tmpDir?: string | undefined;
  /** Of the layers that are inspected, together. */
  readonly limits?: LimitOptions | undefined;
  /** The threads to use, made by `createPool`. Default: those that all calls of the process share. */
  readonly pool?: Pool | undefined;
  /** Worker threads at most. Default: the machine's processors. */
  readonly threads?: number | undefined;
}

/** What became of one entry of a layer. Paths are printable: control characters are escaped. */
export interface EntryEvent {
  /** Whether the entry stands in the output. */
  readonly action: 'write' | 'skip';
  /** In the output, or in the layer for `skip`. */
  readonly path: string;
  /** The layer's name. */
  readonly layer: string;
  /** For `skip`: why, in words that follow "skipping PATH". */
  readonly reason?: string | undefined;
  /**
   * Of the contents that come with this path, in bytes; of a sparse file, holes included. 0 for whatever is not a file, and
   * for a hard link.
   */
  readonly size: number;
  /** The low 12 bits. */
  readonly mode: number;
  /** Seconds since 1970, floored. */
  readonly mtime: number;
}

/** For `mergeLayers`. */
export interface MergeOptions extends Pick<CommonOptions, 'onWarning' | 'strictInput'> {
  /** `maxEntries` bounds the entries of the output, too. */
  readonly limits?: LimitOptions | undefined;
  /** Called for each entry that is left out, and for each that is written, as it is written. */
  readonly onEntry?: ((event: EntryEvent) => void) | undefined;
  /**
   * Leave out character and block devices, which only root can make, and hard links to them. A warning counts them. Default
   * false.
   */
  readonly excludeDevices?: boolean | undefined;
  /** Also find out which entries are hidden, and by what, for `Plan.hidden`. Default false. */
  readonly explain?: boolean | undefined;
}

/** For `extractLayers`. */
export interface ExtractOptions extends CommonOptions, Omit<MergeOptions, 'explain'> {}

/** How the tar is written. */
export interface TargetOptions {
  /** Default: what the target's extension says, else `none`. */
  readonly compression?: CompressionName | undefined;
  /** 0 to 9 for gzip and xz, 1 to 9 for bzip2, 1 to 19 for zstd. Default: the codec's own. */
  readonly level?: number | undefined;
  /** Threads that compress at once at most. Default: the machine's processors. */
  readonly threads?: number | undefined;
  /** Overwrite a regular file that exists. Default false. */
  readonly force?: boolean | undefined;
}
