import { type Digest, isDigest } from '../../reference/digest.js';

/** A blob in an OCI layout, and in archives of Docker 25 and later. */
const IN_LAYOUT = /^blobs\/([^/]+)\/([^/]+)$/;

/** A blob in `dir:` (skopeo), and in archives of skopeo, podman, Docker up to 24, kaniko and crane. */
const BY_ITSELF = /^(?:(sha256|sha384|sha512)[:-])?([0-9a-f]{64,})(?:\.json|\.manifest\.json|\.tar|\.tar\.gz|\.tgz)?$/;

/** The digest in the name of a blob among the files of an image; `undefined` for other names. */
export function digestOfName(name: string): Digest | undefined {
  const [, algorithm = 'sha256', hex] = IN_LAYOUT.exec(name) ?? BY_ITSELF.exec(name) ?? [];
  const digest = `${algorithm}:${hex}`;
  return isDigest(digest) ? digest : undefined;
}
