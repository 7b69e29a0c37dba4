import type { CompressionName } from './compression/codecs.js';
import type { Warn } from './errors.js';
import type { Pool } from './inspect/pool.js';
import type { Digest } from './reference/digest.js';

/** One step of the work, for progress bars. */
export interface Progress {
  /**
   * `pull`: an engine, or dimgx itself, fetches the image; `unpack`: it unpacks what it fetched; `prepare`: it prepares
   * to save the image; `open`: a stream is stored in a temporary file; `inspect`: layers are indexed; `extract`: the
   * tar is written; `verify`: the remaining hashes are computed.
   */
  readonly stage: 'pull' | 'unpack' | 'prepare' | 'open' | 'inspect' | 'extract' | 'verify';
  /** The layer (by name), image, archive or target being worked on; printable. */
  readonly item: string;
  /** In bytes. */
  readonly done: number;
  /** In bytes; `undefined` if unknown. */
  readonly total: number | undefined;
}

/** Options common to all functions of the library. */
export interface CommonOptions {
  /** Aborting it ends the work with DIMGX_ABORTED and releases all resources. */
  readonly signal?: AbortSignal | undefined;
  /** Called often, at each step of the work. See docs/library.md for callbacks that throw or are async. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Called for each warning as it arises. Warnings of one kind in one layer are combined into one. */
  readonly onWarning?: Warn | undefined;
  /** Called with messages that help diagnose a failure; printable. */
  readonly onInfo?: ((message: string) => void) | undefined;
  /** Turn warnings about the input into errors. Default false. */
  readonly strictInput?: boolean | undefined;
}

/** A user name and a password or token for a registry. */
export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
}

/** Limits on the resources an image may consume. Omitted or undefined: the default. `Infinity`: no limit. */
export interface LimitOptions {
  /** Total uncompressed size of all layers, in bytes; sparse files count with their real size. Default 1 TiB. */
  readonly maxSize?: number | undefined;
  /** Total number of entries in all layers. Default 10,000,000. */
  readonly maxEntries?: number | undefined;
}

/** How to connect to registries. */
export interface RegistryOptions {
  /** For the registry in the reference. Default: the credentials stored by `docker login` and `podman login`. */
  readonly credentials?: RegistryCredentials | undefined;
  /** The only file to read stored credentials from, in the format of docker's `config.json`. */
  readonly authFile?: string | undefined;
  /** Maximum number of layers downloaded at once: 1 to 64. Default 3. */
  readonly jobs?: number | undefined;
  /** PEM file of certificate authorities to trust in addition to the usual ones. */
  readonly caFile?: string | undefined;
  /** Folder with `*.crt`, `NAME.cert` and `NAME.key`, laid out like those in `certs.d`. */
  readonly certDir?: string | undefined;
  /** Allow plain HTTP and untrusted certificates. Default false. */
  readonly insecure?: boolean | undefined;
  /** Use plain HTTP for the registry in the reference, without trying TLS. Default false. */
  readonly plainHttp?: boolean | undefined;
  /** Number of retries after a failed request: 0 to 100. Default 4. */
  readonly retry?: number | undefined;
  /** Mirrors to try before a registry, each as `HOST=URL`. */
  readonly mirrors?: readonly string[] | undefined;
  /** Download layers missing from the registry from the URLs in their manifest. Default false. */
  readonly allowForeignLayers?: boolean | undefined;
}

/** Options of `openImage`. */
export interface OpenOptions extends CommonOptions, RegistryOptions {
  /**
   * `os/arch[/variant]`, or an architecture name, which implies linux. Default: `DOCKER_DEFAULT_PLATFORM`, else linux
   * on this machine's architecture.
   */
  readonly platform?: string | undefined;
  /** Which image of an archive to use: a name, an ID or its prefix, or `@N` counted from 0. */
  readonly image?: string | undefined;
  /**
   * Folders to search for blobs missing from the archive or layout, as `DIR/ALGORITHM/HEX`, `DIR/HEX` or
   * `DIR/blobs/ALGORITHM/HEX`. These blobs are checked against their digests even with `verify: false`.
   */
  readonly blobs?: readonly string[] | undefined;
  /**
   * Address of the engine: `unix://…`, `tcp://…` or `ssh://…`; `HOST[:PORT]` is read as `tcp://…`. Default: from
   * `DOCKER_HOST` and docker's contexts.
   */
  readonly host?: string | undefined;
  /**
   * If files of an engine's storage have been changed under an image, leave them out and go on: `FlattenResult.leftOut`
   * lists them. Default false: the first one is an error.
   */
  readonly keepGoing?: boolean | undefined;
  /**
   * User IDs of a container in an engine's storage: `CONTAINER:HOST:SIZE`, several with commas. Default: what the engine
   * recorded, or else what `etc/subuid` of its host says.
   */
  readonly uidMap?: string | undefined;
  /** The same for group IDs. Default: as `uidMap`, if that is given. */
  readonly gidMap?: string | undefined;
  /** When the engine pulls the image. Without an engine, dimgx fetches it from its registry. Default `never`. */
  readonly pull?: 'missing' | 'always' | 'never' | undefined;
  /** Cache folder for downloads from registries; `false` disables the cache. Default: the user's cache. */
  readonly cache?: string | false | undefined;
  /** Use only cached data for registry images. Default false. */
  readonly offline?: boolean | undefined;
  /** Folder for temporary files. Default: the system's temporary folder. */
  readonly tmpDir?: string | undefined;
  /** Verify digests, sizes and diff IDs. Default true. */
  readonly verify?: boolean | undefined;
  /** `maxSize` also limits an archive that is decompressed or streamed. */
  readonly limits?: LimitOptions | undefined;
}

/** Options of `selectLayers`. */
export interface SelectOptions {
  /** Layer specs. Default: all layers, newest first. */
  readonly layers?: readonly string[] | undefined;
  /** Without `layers`: oldest first. With `layers`: keep the order of the specs as given. Default false. */
  readonly reverse?: boolean | undefined;
  /** Throw DIMGX_LAYER_SPEC_INVALID for a spec that selects nothing. Default false: warn. */
  readonly strict?: boolean | undefined;
}

/** Options of `inspectLayers`. */
export interface InspectOptions extends CommonOptions {
  /** Verify digests, sizes and diff IDs. Default true. */
  readonly verify?: boolean | undefined;
  /** Folder for temporary files. Default: the system's temporary folder. */
  readonly tmpDir?: string | undefined;
  /** Limits for all inspected layers together. */
  readonly limits?: LimitOptions | undefined;
  /** Worker threads to use, created by `createPool`. Default: a pool shared by all calls in the process. */
  readonly pool?: Pool | undefined;
  /** Maximum number of worker threads, at least 1. Default: the number of processors. */
  readonly threads?: number | undefined;
}

/** What happened to one entry of a layer. Paths are printable: control characters are escaped. */
export interface EntryEvent {
  /** `write`: the entry is in the output. `skip`: it was left out. */
  readonly action: 'write' | 'skip';
  /** Path in the output, or in the layer for `skip`. */
  readonly path: string;
  /** Name of the layer. */
  readonly layer: string;
  /** For `skip`: the reason, worded to follow "skipping PATH". */
  readonly reason?: string | undefined;
  /**
   * Size of the contents stored with this path, in bytes. For a sparse file, includes holes. 0 for hard links and for
   * anything that is not a file.
   */
  readonly size: number;
  /** The low 12 bits of the mode. */
  readonly mode: number;
  /** Seconds since 1970, floored. */
  readonly mtime: number;
}

/** Options of `mergeLayers`. */
export interface MergeOptions extends Pick<CommonOptions, 'onWarning' | 'strictInput'> {
  /** `maxEntries` also limits the entries of the output. */
  readonly limits?: LimitOptions | undefined;
  /** Called for each entry that is left out, and for each written entry as it is written. */
  readonly onEntry?: ((event: EntryEvent) => void) | undefined;
  /**
   * Leave out character and block devices, which only root can create, and hard links to them. A warning reports how
   * many. Default false.
   */
  readonly excludeDevices?: boolean | undefined;
  /**
   * Which paths to write. Each rule is a pattern after `+`, for paths that are kept, or `-`, for paths that are not. What
   * fits a pattern takes all below it, and the last rule that fits counts. Where none fits, a path is kept unless the
   * first rule begins with `+`. Directories above what is kept are kept, and of a hard-linked file the first name that is
   * kept has the contents. Patterns are anchored at the root: `*`, `?` and `[a-z]` stay within a name, and `**` stands for
   * any number of names. Default: all paths.
   */
  readonly paths?: readonly string[] | undefined;
  /** Also record which entries are hidden, and by what, in `Plan.hidden`. Default false. */
  readonly explain?: boolean | undefined;
}

/** Options of `extractLayers`. */
export interface ExtractOptions extends CommonOptions, Omit<MergeOptions, 'explain'> {
  /**
   * Called once, when the whole tar has been made: with the digest of its tree, `sha256:HEX`, which depends on nothing
   * but the tree. Without this option the digest is not computed, because that costs time. See docs/tree-digest.md.
   */
  readonly onTreeDigest?: ((digest: Digest) => void) | undefined;
  /**
   * Folder for a temporary file, which is needed only if the layers store much in another order than the output.
   * Default: the system's temporary folder.
   */
  readonly tmpDir?: string | undefined;
}

/** How to write the tar. */
export interface TargetOptions {
  /** Default: implied by the target's extension, else `none`. */
  readonly compression?: CompressionName | undefined;
  /** 0 to 9 for gzip and xz, 1 to 9 for bzip2, 1 to 19 for zstd. Default: the codec's default. */
  readonly level?: number | undefined;
  /** Maximum number of threads that compress at once, at least 1. Default: the number of processors. */
  readonly threads?: number | undefined;
  /** Overwrite an existing regular file. Default false. */
  readonly force?: boolean | undefined;
}
