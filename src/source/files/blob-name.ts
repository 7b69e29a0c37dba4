import { type Digest, isDigest } from '../../reference/digest.js';

/** A blob of an OCI layout, and of archives of Docker 25 and later. */
const IN_LAYOUT = /^blobs\/([^/]+)\/([^/]+)$/;

/** What `dir:` (skopeo), archives of skopeo, podman and Docker up to 24, of kaniko and of crane call blobs. */
const BY_ITSELF = /^(?:(sha256|sha384|sha512)[:-])?([0-9a-f]{64,})(?:\.json|\.manifest\.json|\.tar|\.tar\.gz|\.tgz)?$/;

/** The digest in the name of a blob among the files of an image; `undefined` for files that have other names. */
export function digestOfName(name: string): Digest | undefined {
  const [, algorithm = 'sha256', hex] = IN_LAYOUT.exec(name) ?? BY_ITSELF.exec(name) ?? [];
  const digest = `${algorithm}:${hex}`;
  return isDigest(digest) ? digest : undefined;
}
