/**
 * Every error and warning that dimgx reports, in one table each. A test keeps the tables in docs/errors.md equal to
 * these.
 */

/** Exit code of the process when this error ends it. */
export type ExitCode = 1 | 2 | 3 | 130 | 141;

interface ErrorKind {
  readonly exit: ExitCode;
  /** One line for docs/errors.md: what it means and what to do. */
  readonly meaning: string;
}

export const ERRORS = {
  DIMGX_USAGE: { exit: 1, meaning: 'The command line is wrong; see `dimgx --help`.' },
  DIMGX_OPTION_INVALID: { exit: 1, meaning: 'An option, or an argument of a library function, has a wrong value.' },
  DIMGX_REFERENCE_INVALID: {
    exit: 1,
    meaning: 'The image reference is not of the form `transport:name[:tag][@digest]`.',
  },
  DIMGX_SOURCE_NOT_FOUND: { exit: 2, meaning: 'The file or directory does not exist.' },
  DIMGX_SOURCE_UNREADABLE: { exit: 2, meaning: 'The operating system refused to open or read the source.' },
  DIMGX_SOURCE_TERMINAL: { exit: 1, meaning: 'Standard input is a terminal; pipe an archive in, or name a file.' },
  DIMGX_SOURCE_CHANGED: { exit: 2, meaning: 'The source changed, or became shorter, while it was read.' },
  DIMGX_SOURCE_NOT_AN_IMAGE: {
    exit: 2,
    meaning: 'The file or directory is not an image in any form that dimgx reads.',
  },
  DIMGX_SOURCE_AMBIGUOUS: {
    exit: 2,
    meaning: 'The archive holds several images, or an ID matches several; the message lists them: choose one.',
  },
  DIMGX_SOURCE_NO_SUCH_IMAGE: {
    exit: 2,
    meaning:
      'The archive, engine or registry has no image of that name. For an archive, the message lists what it has.',
  },
  DIMGX_SOURCE_NO_PLATFORM: {
    exit: 2,
    meaning: 'The index, engine or registry has no image for the platform; the message lists the platforms it has.',
  },
  DIMGX_SOURCE_MISSING_BLOB: {
    exit: 2,
    meaning: 'A file or blob that the manifest names is missing: the archive or registry is incomplete.',
  },
  DIMGX_SOURCE_BAD_MEMBER: { exit: 2, meaning: 'A layer or a document of the image is not a regular file.' },
  DIMGX_SOURCE_UNSAFE_PATH: { exit: 2, meaning: 'A path in the manifest points outside the archive or directory.' },
  DIMGX_SOURCE_UNSUPPORTED: {
    exit: 2,
    meaning: 'A layer is encrypted, or stored in a way that dimgx cannot read; the message says what to do.',
  },
  DIMGX_SOURCE_FOREIGN_LAYER: {
    exit: 2,
    meaning:
      'A foreign layer is not stored with the image; `allowForeignLayers` (`--allow-foreign-layers`) downloads it.',
  },
  DIMGX_SOURCE_NO_SPACE: {
    exit: 2,
    meaning:
      'Temporary data cannot be written, usually for lack of space; choose another folder with `tmpDir` (`--tmp-dir`).',
  },
  DIMGX_STORE_DAMAGED: {
    exit: 2,
    meaning: "What an engine's storage records about a layer is missing, malformed or contradicts itself.",
  },
  DIMGX_STORE_FILE_CHANGED: {
    exit: 2,
    meaning:
      "A file of a layer was changed, shortened or removed in the engine's storage; the message has its path and times.",
  },
  DIMGX_ENGINE_UNREACHABLE: {
    exit: 2,
    meaning: 'No container engine answers; start one, or name one with `host` (`--host`).',
  },
  DIMGX_ENGINE_CONFIG: {
    exit: 2,
    meaning: "The engine's address, the docker context or docker's configuration is invalid.",
  },
  DIMGX_ENGINE_DENIED: {
    exit: 2,
    meaning: 'This user may not use the container engine; the message says what denied it.',
  },
  DIMGX_ENGINE_TLS: {
    exit: 2,
    meaning: 'There is no secure connection to the container engine; check the certificates in `DOCKER_CERT_PATH`.',
  },
  DIMGX_ENGINE_TOO_OLD: { exit: 2, meaning: 'The container engine is older than Docker 1.12 (API 1.24).' },
  DIMGX_ENGINE_FAILED: {
    exit: 2,
    meaning: 'The container engine failed to handle a request, or its answer is truncated, stalled or malformed.',
  },
  DIMGX_REGISTRY_UNREACHABLE: { exit: 2, meaning: 'No registry answers at that address.' },
  DIMGX_REGISTRY_DENIED: {
    exit: 2,
    meaning:
      'The registry wants other credentials, or has no such image; `credentials` (`--creds`, `dimgx login`) gives them.',
  },
  DIMGX_REGISTRY_BLOCKED: { exit: 2, meaning: "Podman's `registries.conf` blocks the registry or the repository." },
  DIMGX_REGISTRY_TLS: {
    exit: 2,
    meaning:
      'There is no secure connection to the registry or its token server; see `caFile` (`--ca-file`) and `insecure` (`--insecure`).',
  },
  DIMGX_REGISTRY_FAILED: {
    exit: 2,
    meaning: 'The registry failed to handle a request, or its answers are repeatedly truncated, stalled or malformed.',
  },
  DIMGX_REGISTRY_CONFIG: {
    exit: 2,
    meaning: "Podman's `registries.conf` cannot be read or parsed, so dimgx cannot know what it blocks.",
  },
  DIMGX_CREDENTIALS_UNREADABLE: {
    exit: 2,
    meaning: 'The credentials file that the caller named does not exist or cannot be read.',
  },
  DIMGX_CREDENTIALS_UNWRITABLE: {
    exit: 2,
    meaning: 'Credentials cannot be stored or removed; the message says where and why.',
  },
  DIMGX_CACHE_UNUSABLE: { exit: 2, meaning: 'The cache cannot be read or changed; the message says why.' },
  DIMGX_CACHE_DAMAGED: {
    exit: 2,
    meaning: 'Blobs in the cache were damaged; they have been removed and are downloaded again when needed.',
  },
  DIMGX_CACHE_NO_SUCH_BLOB: { exit: 2, meaning: 'No blob in the cache has a digest with that prefix, or several do.' },
  DIMGX_PATH_NOT_FOUND: { exit: 2, meaning: 'The image, or what is selected of it, has no such path.' },
  DIMGX_PATH_HIDDEN: {
    exit: 2,
    meaning: 'Only hidden versions have the path; the message says which layers, what hides it, and which to select.',
  },
  DIMGX_PATH_LOOP: { exit: 2, meaning: 'The path leads through too many symlinks, or in a circle.' },
  DIMGX_PATH_NOT_FILE: { exit: 2, meaning: 'The path is a directory, a device or a FIFO, and has no contents.' },
  DIMGX_TOO_MANY_FILES: {
    exit: 2,
    meaning: 'The process or the machine has too many open files; raise `ulimit -n`, or do less in parallel.',
  },
  DIMGX_IMAGE_DOCUMENT_TOO_LARGE: {
    exit: 2,
    meaning: 'A manifest, index or config is larger than 4 MiB, or all together are larger than 64 MiB.',
  },
  DIMGX_IMAGE_BAD_JSON: {
    exit: 2,
    meaning: 'A manifest, index or config is not JSON, or does not have the required structure.',
  },
  DIMGX_IMAGE_BAD_DIGEST: {
    exit: 2,
    meaning: 'A digest is not of the form `sha256:` and 64 hex digits (or sha384, sha512).',
  },
  DIMGX_IMAGE_DIGEST_MISMATCH: {
    exit: 2,
    meaning: 'A blob or document does not match its digest: the image is damaged.',
  },
  DIMGX_IMAGE_SIZE_MISMATCH: {
    exit: 2,
    meaning: 'A blob does not have the size in its descriptor: the image is damaged.',
  },
  DIMGX_IMAGE_DAMAGED: {
    exit: 2,
    meaning:
      'Documents or layers of an image are not what their digests, sizes or diff IDs say; each of them was named.',
  },
  DIMGX_IMAGE_LAYER_COUNT: { exit: 2, meaning: 'The manifest and the config have different numbers of layers.' },
  DIMGX_LAYER_SPEC_INVALID: {
    exit: 3,
    meaning: 'With `strict` (`--strict`): a layer spec matches no layer or several, or is an empty range.',
  },
  DIMGX_LAYER_BAD_PARENT: { exit: 2, meaning: 'The parents of a layer form a loop, or one of them is missing.' },
  DIMGX_LAYER_BAD_ROOT: { exit: 2, meaning: 'The root of a layer is not a directory.' },
  DIMGX_COMPRESSION_UNSUPPORTED: {
    exit: 2,
    meaning: 'The compression cannot be read or written here, or needs too large a window; the message says why.',
  },
  DIMGX_COMPRESSION_CORRUPT: { exit: 2, meaning: 'Compressed data is damaged or truncated.' },
  DIMGX_TAR_NOT_A_TAR: {
    exit: 2,
    meaning: 'The data does not begin like a tar archive, or other data follows leading zeros or an empty archive.',
  },
  DIMGX_TAR_BAD_HEADER: { exit: 2, meaning: 'A tar header has a wrong checksum or an invalid number.' },
  DIMGX_TAR_BAD_PAX: { exit: 2, meaning: 'A PAX record is malformed or too large.' },
  DIMGX_TAR_BAD_SPARSE: {
    exit: 2,
    meaning: 'The map of a sparse file is malformed, out of order or exceeds the file.',
  },
  DIMGX_TAR_TRUNCATED: { exit: 2, meaning: 'A tar archive ends in the middle of an entry.' },
  DIMGX_TAR_UNKNOWN_TYPE: { exit: 2, meaning: 'A tar entry has a type that no engine unpacks.' },
  DIMGX_ENTRY_UNSAFE_NAME: {
    exit: 2,
    meaning: 'The name of an entry leads out of the root, or it or a link target is longer than 4,095 bytes.',
  },
  DIMGX_ENTRY_BAD_LINK: { exit: 2, meaning: 'The target of a hard link does not exist yet, or is a directory.' },
  DIMGX_ENTRY_BAD_PARENT: { exit: 2, meaning: 'An entry lies below a file, a dangling symlink or a symlink loop.' },
  DIMGX_BAG_INVALID: {
    exit: 2,
    meaning: 'The directory is no bag as RFC 8493 describes it, or one that dimgx cannot verify; the message says why.',
  },
  DIMGX_BAG_DAMAGED: {
    exit: 2,
    meaning:
      'Files of a bag were changed, are missing or too many, or disagree with one another; each of them was named.',
  },
  DIMGX_LIMIT_SIZE: {
    exit: 2,
    meaning: 'The unpacked image, or a bag, is larger than `limits.maxSize` (`--max-size`) allows.',
  },
  DIMGX_LIMIT_ENTRIES: {
    exit: 2,
    meaning: 'The image, or a bag, has more entries than `limits.maxEntries` (`--max-entries`) allows.',
  },
  DIMGX_LIMIT_NAMES: {
    exit: 2,
    meaning:
      'The names in the image or in a layer take more than 2 GiB; or in a bag, those in a manifest 512 MiB, or xattrs 256 MiB.',
  },
  DIMGX_TARGET_EXISTS: { exit: 2, meaning: 'The target exists; `force` (`--force`) overwrites it.' },
  DIMGX_TARGET_SAME: {
    exit: 1,
    meaning: 'Two outputs of one run lead to the same file, FIFO, descriptor or stream; the message names both.',
  },
  DIMGX_TARGET_TERMINAL: {
    exit: 1,
    meaning: 'A tar is not written to a terminal; redirect the output or name a file.',
  },
  DIMGX_TARGET_UNWRITABLE: { exit: 2, meaning: 'The operating system refused to create or write the target.' },
  DIMGX_TARGET_NO_SPACE: { exit: 2, meaning: 'There is no space left for the target; nothing of it was kept.' },
  DIMGX_TARGET_CLOSED: {
    exit: 141,
    meaning: 'The reader of the output closed it; the command line prints no message.',
  },
  DIMGX_ABORTED: { exit: 130, meaning: 'The caller cancelled the work, or closed the image that it needs.' },
  DIMGX_CALLBACK_FAILED: { exit: 2, meaning: "A callback of the library's caller threw; `cause` is what it threw." },
  DIMGX_INTERNAL: { exit: 2, meaning: 'A bug in dimgx; `--log-level debug` shows where. Please report it.' },
} as const satisfies Record<string, ErrorKind>;

interface WarningKind {
  /** `image`: about the image; `strictInput` turns it into an error. `request`: about what the caller asked for. */
  readonly about: 'image' | 'request';
  /** One line for docs/errors.md. */
  readonly meaning: string;
}

export const WARNINGS = {
  DIMGX_REFERENCE_AMBIGUOUS: {
    about: 'request',
    meaning: 'The name could mean two things; the message says which one was not used.',
  },
  DIMGX_SOURCE_OTHER_PLATFORM: {
    about: 'request',
    meaning: 'No platform was requested; the only image present, for another platform, is used.',
  },
  DIMGX_SOURCE_IMAGE_SKIPPED: {
    about: 'request',
    meaning: 'A listed image is incomplete or unreadable; if another is used, the message says so.',
  },
  DIMGX_STORE_FILE_LEFT_OUT: {
    about: 'request',
    meaning: 'A file was changed on the host, under the image, and is left out as `--keep-going` asks.',
  },
  DIMGX_CONTAINER_RUNNING: {
    about: 'request',
    meaning: 'The container is running, or may be: its files may change while they are read.',
  },
  DIMGX_CONTAINER_CHANGED: {
    about: 'request',
    meaning:
      'Files of a running container became shorter or vanished while they were read; zeros stand for what they lacked.',
  },
  DIMGX_CONTAINER_EXPORTED: {
    about: 'request',
    meaning: "A container is read by the engine's export, which leaves some attributes and files out.",
  },
  DIMGX_CONTAINER_NO_MARKS: {
    about: 'image',
    meaning:
      "A container's folder has none of overlayfs's attributes: if a copy lost them, files may be back that the container has removed.",
  },
  DIMGX_CONTAINER_OWNER: {
    about: 'image',
    meaning: 'Files of a container belong to users that its user namespace does not have; their IDs are kept.',
  },
  DIMGX_SOURCE_UNVERIFIED: { about: 'image', meaning: 'The source has no digests to check its layers against.' },
  DIMGX_STORE_NAMES_LOST: {
    about: 'image',
    meaning: "containerd's database is missing or damaged; its images have digests, but no names.",
  },
  DIMGX_STORE_LIST_DAMAGED: {
    about: 'image',
    meaning: "A list in an engine's storage is damaged; what only that list names is not known.",
  },
  DIMGX_REGISTRY_MIRROR_SKIPPED: { about: 'request', meaning: 'A mirror failed or is blocked, and is skipped.' },
  DIMGX_REGISTRY_CERTIFICATE_SKIPPED: {
    about: 'request',
    meaning: 'A certificate in `certs.d` cannot be read, and is skipped.',
  },
  DIMGX_CREDENTIALS_SKIPPED: {
    about: 'request',
    meaning: 'Stored credentials for a registry cannot be read, and are skipped.',
  },
  DIMGX_CREDENTIALS_SHADOWED: {
    about: 'request',
    meaning: 'Credentials were stored or removed, but others for the same registry take precedence.',
  },
  DIMGX_CACHE_NOT_USED: {
    about: 'request',
    meaning: 'The cache cannot be used or written; the work continues without it.',
  },
  DIMGX_IMAGE_ODD_CONFIG: {
    about: 'image',
    meaning: 'A config has malformed text or fields that do not affect the tree; they are left out.',
  },
  DIMGX_IMAGE_ODD_MANIFEST: {
    about: 'image',
    meaning: 'A manifest, index or descriptor has malformed fields that do not affect what is read; they are left out.',
  },
  DIMGX_LAYER_SPEC_UNRESOLVED: { about: 'request', meaning: 'A layer spec matches no layer, or several.' },
  DIMGX_LAYER_SPEC_EMPTY: { about: 'request', meaning: 'A layer spec is an empty range and selects no layer.' },
  DIMGX_LAYER_NONE_SELECTED: { about: 'request', meaning: 'No layer is selected.' },
  DIMGX_LAYER_TRAILING_DATA: {
    about: 'image',
    meaning: 'Data follows the end of a layer; it is hashed, but not read as entries.',
  },
  DIMGX_ENTRY_SPARSE: {
    about: 'image',
    meaning: 'Sparse entries are passed through; container engines expand them, or refuse old GNU ones.',
  },
  DIMGX_ENTRY_CONTIGUOUS: {
    about: 'image',
    meaning: 'A contiguous file, which container engines refuse, is treated as a regular file.',
  },
  DIMGX_ENTRY_PAX_RECORD: {
    about: 'image',
    meaning: 'PAX records that container engines ignore, but some extractors obey or report, are left out.',
  },
  DIMGX_ENTRY_XATTR_NAME: {
    about: 'image',
    meaning: 'An xattr whose name has `%25` or `%3D` is written as GNU tar reads it; others read another name.',
  },
  DIMGX_ENTRY_DUPLICATE: { about: 'image', meaning: 'A layer holds a path twice; the last entry counts.' },
  DIMGX_ENTRY_BAD_WHITEOUT: { about: 'image', meaning: 'A whiteout that names nothing is ignored.' },
  DIMGX_ENTRY_DEVICE_WHITEOUT: {
    about: 'image',
    meaning: 'A character device 0:0 is treated as a whiteout, as in overlayfs.',
  },
  DIMGX_ENTRY_AUFS: { about: 'image', meaning: 'Leftovers of the AUFS storage driver are left out.' },
  DIMGX_ENTRY_SYMLINK_REPLACED: {
    about: 'image',
    meaning: 'An entry below a symlink of an older layer replaces it with a directory, as in a container.',
  },
  DIMGX_ENTRY_FILE_REPLACED: {
    about: 'image',
    meaning: 'An entry below a file of an older layer replaces it with a directory, as in a container.',
  },
  DIMGX_ENTRY_LINK_ACROSS_LAYERS: {
    about: 'image',
    meaning: 'A hard link whose target is in an older layer is kept; some engines refuse it.',
  },
  DIMGX_ENTRY_LINK_NOT_SELECTED: {
    about: 'image',
    meaning: 'A hard link whose target is not in the selected layers is left out.',
  },
  DIMGX_ENTRY_LEFT_OUT: {
    about: 'image',
    meaning:
      'Files of a container that a layer cannot hold are left out: sockets, and files with the names of whiteouts.',
  },
  DIMGX_ENTRY_DEVICES_EXCLUDED: {
    about: 'request',
    meaning: 'Devices are left out, as `excludeDevices` (`--exclude-devices`) asks.',
  },
  DIMGX_ENTRY_NOT_COPIED: { about: 'request', meaning: 'Devices and FIFOs are not copied to a directory.' },
  DIMGX_PATH_UNMATCHED: {
    about: 'request',
    meaning: 'A pattern of `paths` (`--include`, `--exclude`) fits no path of the tree.',
  },
  DIMGX_BAG_WEAK: {
    about: 'image',
    meaning: 'A bag has only MD5 or SHA-1 manifests; who can make two files with one digest can exchange them.',
  },
  DIMGX_TARGET_EXTENSION: {
    about: 'request',
    meaning: "The requested compression is not the one that the target's name suggests.",
  },
} as const satisfies Record<string, WarningKind>;

export type ErrorCode = keyof typeof ERRORS;
export type WarningCode = keyof typeof WARNINGS;
