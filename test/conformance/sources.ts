/** Where expectations come from, named once. */
export const LAYER_MD = 'OCI image-spec, layer.md';
export const WHITEOUTS_MD = `${LAYER_MD}, Whiteouts`;
export const CHANGESETS_MD = `${LAYER_MD}, Applying Changesets`;
export const OVERLAYFS = 'Linux, overlayfs.rst, whiteouts and opaque directories';
export const DIFF_GO = 'moby v20.10, pkg/archive/diff.go';
export const ARCHIVE_GO = 'moby v20.10, pkg/archive/archive.go';
export const LOAD_GO = 'moby v20.10, image/tarexport/load.go';
export const CLEAN = 'Go, filepath.Clean';
export const TAR_SPLIT = 'vbatts/tar-split, tar/storage/getter.go';
export const GO_TAR = 'Go, archive/tar/reader.go';
export const POSIX_PAX = 'POSIX.1-2017, pax, pax Header Block';
export const POSIX_USTAR = 'POSIX.1-2017, pax, ustar Interchange Format';
export const GNU_TAR = 'GNU tar manual, Basic Tar Format';
export const GNU_SPARSE = 'GNU tar manual, Storing Sparse Files';
export const OCI_LAYOUT = 'OCI image-spec, image-layout.md';
export const GZIP = 'RFC 1952';
export const SAVED = 'moby v20.10, image/spec/v1.2.md';
