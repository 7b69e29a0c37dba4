import type { FileTransport } from '../../reference/reference.js';
import * as dir from './dir.js';
import * as dockerArchive from './docker-archive.js';
import * as dockerV1 from './docker-v1.js';
import * as ociLayout from './oci-layout.js';
import type { Source } from './source.js';

/** In order of precedence: if a directory or an archive has several forms, Docker's `manifest.json` comes first. */
export const SOURCES: readonly Source[] = [dir, dockerArchive, ociLayout, dockerV1];

export const SOURCES_OF: Readonly<Record<FileTransport, readonly Source[]>> = {
  'docker-archive': [dockerArchive, dockerV1],
  oci: [ociLayout],
  'oci-archive': [ociLayout],
  dir: [dir],
};
