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
  DIMGX_CLI_USAGE: {
    exit: 1,
    meaning: 'The command line, or what a function was given, cannot be understood; see `dimgx --help`.',
  },
  DIMGX_REFERENCE_INVALID: {
    exit: 1,
    meaning: 'The image reference is not of the form `transport:name[:tag][@digest]`.',
  },
  DIMGX_SOURCE_NOT_FOUND: { exit: 2, meaning: 'There is no such file or directory.' },
  DIMGX_SOURCE_UNREADABLE: { exit: 2, meaning: 'The operating system refused to open or read the source.' },
  DIMGX_SOURCE_UNSUPPORTED: {
    exit: 2,
    meaning: 'What is there cannot be read, such as encrypted layers; the message says why.',
  },
  DIMGX_SOURCE_TERMINAL: { exit: 1, meaning: 'Standard input is a terminal; pipe an archive in, or name a file.' },
  DIMGX_SOURCE_NOT_AN_IMAGE: { exit: 2, meaning: 'The file or directory holds no image in a form that dimgx knows.' },
  DIMGX_SOURCE_AMBIGUOUS: {
    exit: 2,
    meaning: 'The archive holds several images, or an ID means several; the message lists them: choose one.',
  },
  DIMGX_SOURCE_NO_SUCH_IMAGE: {
    exit: 2,
    meaning: 'No image of that name is in the archive (the message lists what is), the engine or the registry.',
  },
  DIMGX_SOURCE_NO_PLATFORM: {
    exit: 2,
    meaning: 'The index, engine or registry has no image for the platform; the message tells what it has.',
  },
  DIMGX_SOURCE_MISSING_BLOB: {
    exit: 2,
    meaning: 'The manifest names a file or blob that is not there: the archive or registry is incomplete.',
  },
  DIMGX_SOURCE_BAD_MEMBER: { exit: 2, meaning: 'What should be a layer or a document is not a regular file.' },
  DIMGX_SOURCE_UNSAFE_PATH: { exit: 2, meaning: 'A path in the manifest points outside the archive or directory.' },
  DIMGX_SOURCE_PARENT_LOOP: { exit: 2, meaning: 'The parents of a layer form a loop, or one of them is missing.' },
  DIMGX_SOURCE_NO_SPACE: {
    exit: 2,
    meaning: 'Temporary data cannot be written, mostly for lack of room; choose another place with `--tmp-dir`.',
  },
  DIMGX_SOURCE_NO_ENGINE: {
    exit: 2,
    meaning: 'No container engine answers, or its address is wrong; start one, or name one by `--host`.',
  },
  DIMGX_SOURCE_ENGINE_DENIED: {
    exit: 2,
    meaning: 'This user may not use the container engine; the message says who refused.',
  },
  DIMGX_SOURCE_ENGINE_TLS: {
    exit: 2,
    meaning: 'No secure connection to the container engine; check the certificates in `DOCKER_CERT_PATH`.',
  },
  DIMGX_SOURCE_ENGINE_TOO_OLD: { exit: 2, meaning: 'The container engine is older than Docker 1.12 (API 1.24).' },
  DIMGX_SOURCE_ENGINE_FAILED: {
    exit: 2,
    meaning: 'The container engine failed at what it was asked for, or its answer is cut, stalled or malformed.',
  },
  DIMGX_SOURCE_REGISTRY_UNREACHABLE: { exit: 2, meaning: 'No registry answers at that address.' },
  DIMGX_SOURCE_REGISTRY_DENIED: {
    exit: 2,
    meaning:
      'The registry wants other credentials, or the image is not there; `dimgx login` stores them, `--creds` gives them.',
  },
  DIMGX_SOURCE_REGISTRY_TLS: {
    exit: 2,
    meaning: 'No secure connection to the registry; `--ca-file` names its authority, `--insecure` does without.',
  },
  DIMGX_SOURCE_REGISTRY_FAILED: {
    exit: 2,
    meaning:
      'The registry failed at what it was asked for, or its answers are cut, stalled or malformed, time after time.',
  },
  DIMGX_SOURCE_REGISTRIES_CONF: {
    exit: 2,
    meaning: "Podman's `registries.conf` cannot be read or understood, so it is not known what it blocks.",
  },
  DIMGX_SOURCE_FOREIGN_LAYER: {
    exit: 2,
    meaning:
      'A foreign layer is not where the image is; `--allow-foreign-layers` fetches it from the URL in the manifest.',
  },
  DIMGX_SOURCE_LOGIN_NOT_STORED: {
    exit: 2,
    meaning: 'Credentials could not be stored, or not be removed; the message says where and why.',
  },
  DIMGX_STORE_UNUSABLE: {
    exit: 2,
    meaning: 'The cache cannot be looked at or changed; the message says why.',
  },
  DIMGX_STORE_DAMAGED: {
    exit: 2,
    meaning: 'Blobs in the cache were damaged; they are discarded, and fetched again when they are needed.',
  },
  DIMGX_STORE_NO_SUCH_BLOB: { exit: 2, meaning: 'No blob in the cache has a digest that begins so, or several have.' },
  DIMGX_IMAGE_TOO_LARGE: {
    exit: 2,
    meaning: 'A manifest, index or config is larger than 4 MiB, or all are larger than 64 MiB.',
  },
  DIMGX_IMAGE_BAD_JSON: { exit: 2, meaning: 'A manifest, index or config is not JSON or not of the right shape.' },
  DIMGX_IMAGE_BAD_DIGEST: {
    exit: 2,
    meaning: 'A digest is not of the form `sha256:` and 64 hex digits (or sha384, sha512).',
  },
  DIMGX_IMAGE_DIGEST_MISMATCH: {
    exit: 2,
    meaning: 'Bytes do not have the digest that names them: the image is damaged.',
  },
  DIMGX_IMAGE_SIZE_MISMATCH: {
    exit: 2,
    meaning: 'A blob is not as long as its descriptor says: the image is damaged.',
  },
  DIMGX_IMAGE_LAYER_COUNT: { exit: 2, meaning: 'Manifest and config do not have the same number of layers.' },
  DIMGX_COMPRESSION_UNSUPPORTED: {
    exit: 2,
    meaning: 'That compression cannot be read or written here, or asks for too large a window; the message says why.',
  },
  DIMGX_COMPRESSION_CORRUPT: { exit: 2, meaning: 'Compressed data is damaged or ends too early.' },
  DIMGX_TAR_NOT_A_TAR: {
    exit: 2,
    meaning:
      'What should be a tar archive does not begin like one, or has data behind zeros or an end without entries.',
  },
  DIMGX_TAR_BAD_HEADER: { exit: 2, meaning: 'A tar header has a wrong checksum or a number that is none.' },
  DIMGX_TAR_BAD_PAX: { exit: 2, meaning: 'A PAX record is malformed or too large.' },
  DIMGX_TAR_BAD_SPARSE: { exit: 2, meaning: 'The map of a sparse file is out of order or leaves the file.' },
  DIMGX_TAR_TRUNCATED: { exit: 2, meaning: 'A tar archive ends in the middle of an entry.' },
  DIMGX_TAR_UNKNOWN_TYPE: { exit: 2, meaning: 'A tar entry is of a type that no engine unpacks.' },
  DIMGX_INSPECT_UNSAFE_NAME: {
    exit: 2,
    meaning: 'The name of an entry leaves the root, or it or a link target is longer than 4,095 bytes.',
  },
  DIMGX_INSPECT_TOO_MANY_ENTRIES: { exit: 2, meaning: 'The image has more entries than `--max-entries` allows.' },
  DIMGX_INSPECT_TOO_LARGE: { exit: 2, meaning: 'The image is larger, unpacked, than `--max-size` allows.' },
  DIMGX_INSPECT_LAYER_SPEC: {
    exit: 3,
    meaning: 'With `--strict`: a layer spec names no known layer, or an empty range.',
  },
  DIMGX_MERGE_BAD_LINK: { exit: 2, meaning: 'A hard link has no target at that point, or its target is a directory.' },
  DIMGX_MERGE_BAD_PARENT: { exit: 2, meaning: 'An entry lies below a file, a dangling symlink or a symlink loop.' },
  DIMGX_MERGE_BAD_ROOT: { exit: 2, meaning: 'The root of a layer is not a directory.' },
  DIMGX_TOO_MANY_FILES: {
    exit: 2,
    meaning: 'The process, or the machine, has too many files open; raise `ulimit -n`, or do less at the same time.',
  },
  DIMGX_EXTRACT_CHANGED: { exit: 2, meaning: 'The source became shorter, or changed, while it was read.' },
  DIMGX_TARGET_EXISTS: { exit: 2, meaning: 'The target exists; `--force` overwrites it.' },
  DIMGX_TARGET_TERMINAL: {
    exit: 1,
    meaning: 'A tar is not written to a terminal; redirect the output or name a file.',
  },
  DIMGX_TARGET_UNWRITABLE: { exit: 2, meaning: 'The operating system refused to create or write the target.' },
  DIMGX_TARGET_NO_SPACE: { exit: 2, meaning: 'No room left for the target; nothing of it was kept.' },
  DIMGX_TARGET_CLOSED: {
    exit: 141,
    meaning: 'The reader of the output went away; the command line says nothing of it.',
  },
  DIMGX_ABORTED: { exit: 130, meaning: 'The work was cancelled by its caller.' },
  DIMGX_CALLBACK_FAILED: {
    exit: 2,
    meaning: 'A function that the caller of the library gave has thrown; what it threw is the cause.',
  },
  DIMGX_INTERNAL: { exit: 2, meaning: 'A defect of dimgx; `--log-level debug` shows where. Please report it.' },
} as const satisfies Record<string, ErrorKind>;

interface WarningKind {
  /** `image`: about the image; `strictInput` turns it into an error. `request`: about what the caller asked for. */
  readonly about: 'image' | 'request';
  /** One line for docs/errors.md. */
  readonly meaning: string;
}

export const WARNINGS = {
  DIMGX_SOURCE_NOT_TAKEN: { about: 'request', meaning: 'The name could mean two things; the one that was not taken.' },
  DIMGX_SOURCE_OTHER_PLATFORM: {
    about: 'request',
    meaning: 'No platform was asked for; the only image that is there, for another machine, is taken.',
  },
  DIMGX_SOURCE_PASSED_OVER: {
    about: 'request',
    meaning: 'An image that is listed is not whole; another is taken, where the message says so.',
  },
  DIMGX_SOURCE_NO_CREDENTIALS: {
    about: 'request',
    meaning: 'Stored credentials for a registry cannot be had; they are passed over.',
  },
  DIMGX_SOURCE_MIRROR: { about: 'request', meaning: 'A mirror is passed over.' },
  DIMGX_SOURCE_CERTIFICATE: {
    about: 'request',
    meaning: 'A certificate in `certs.d` cannot be read and is passed over.',
  },
  DIMGX_SOURCE_OTHER_LOGIN: {
    about: 'request',
    meaning: 'Credentials were stored, and others for the same registry go before them.',
  },
  DIMGX_STORE_NOT_USED: {
    about: 'request',
    meaning: 'The cache cannot be used, or not be written; the work goes on without it.',
  },
  DIMGX_IMAGE_ODD_CONFIG: {
    about: 'image',
    meaning: 'A config has text or fields that are malformed and do not change the tree; they are left out.',
  },
  DIMGX_IMAGE_ODD_MANIFEST: {
    about: 'image',
    meaning:
      'A manifest, an index or a descriptor has malformed fields that do not decide what is read; they are left out.',
  },
  DIMGX_SOURCE_UNVERIFIED: { about: 'image', meaning: 'The source has no digests to check its layers against.' },
  DIMGX_INSPECT_UNRESOLVED_SPEC: { about: 'request', meaning: 'A layer spec names no known layer, or several.' },
  DIMGX_INSPECT_EMPTY_RANGE: { about: 'request', meaning: 'A layer spec adds no layer.' },
  DIMGX_INSPECT_NOTHING_SELECTED: { about: 'request', meaning: 'No layer is selected.' },
  DIMGX_INSPECT_TRAILING_DATA: {
    about: 'image',
    meaning: 'Data follows the end of a layer; it is hashed and not read as entries.',
  },
  DIMGX_INSPECT_SPARSE: {
    about: 'image',
    meaning: 'Sparse entries are passed through; container engines expand them, or refuse old GNU ones.',
  },
  DIMGX_INSPECT_CONTIGUOUS: {
    about: 'image',
    meaning: 'A contiguous file, which container engines refuse, is taken as a regular one.',
  },
  DIMGX_INSPECT_PAX_RECORD: {
    about: 'image',
    meaning: 'PAX records that container engines ignore, and some extractor obeys or complains of, are left out.',
  },
  DIMGX_INSPECT_XATTR_NAME: {
    about: 'image',
    meaning: 'An xattr whose name has `%25` or `%3D` is written as GNU tar reads it; others read another name.',
  },
  DIMGX_MERGE_DUPLICATE: { about: 'image', meaning: 'A layer holds one path twice; the last one counts.' },
  DIMGX_MERGE_BAD_WHITEOUT: { about: 'image', meaning: 'A whiteout that names nothing is ignored.' },
  DIMGX_MERGE_DEVICE_WHITEOUT: {
    about: 'image',
    meaning: 'A character device 0:0 is a whiteout, as overlayfs takes it.',
  },
  DIMGX_MERGE_AUFS: { about: 'image', meaning: 'Leftovers of the AUFS storage driver are left out.' },
  DIMGX_MERGE_SYMLINK_REPLACED: {
    about: 'image',
    meaning: 'An entry below a symlink of an older layer replaces it by a directory, as in a container.',
  },
  DIMGX_MERGE_FILE_REPLACED: {
    about: 'image',
    meaning: 'An entry below a file of an older layer replaces it by a directory, as in a container.',
  },
  DIMGX_MERGE_LINK_ACROSS_LAYERS: {
    about: 'image',
    meaning: 'A hard link whose target lies in an older layer is kept; some engines refuse it.',
  },
  DIMGX_MERGE_LINK_NOT_SELECTED: {
    about: 'image',
    meaning: 'A hard link whose target is not in the selected layers is left out.',
  },
  DIMGX_MERGE_DEVICES_EXCLUDED: { about: 'request', meaning: 'Devices are left out, as `--exclude-devices` asks.' },
  DIMGX_TARGET_EXTENSION: {
    about: 'request',
    meaning: 'The compression asked for is not the one that the name of the target suggests.',
  },
} as const satisfies Record<string, WarningKind>;

export type ErrorCode = keyof typeof ERRORS;
export type WarningCode = keyof typeof WARNINGS;
