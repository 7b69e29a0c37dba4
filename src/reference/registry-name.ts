import { quoted } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import { type Digest, isDigest } from './digest.js';
import { fullName, type Repository, repositoryOf } from './image-name.js';

/** An image in a registry. */
export interface RegistryName extends Repository {
  /** Full name as docker writes it: `docker.io/library/alpine:latest`. */
  readonly full: string;
  /** The tag or digest to request from the registry. */
  readonly version: string;
  readonly digest?: Digest;
}

/**
 * Parses `NAME[:TAG][@DIGEST]` as docker does. If there is a digest, the tag is ignored. If there is neither, the tag
 * is `latest`.
 *
 * @throws DIMGX_REFERENCE_INVALID
 */
export function parseRegistryName(name: string): RegistryName {
  const full = fullName(name);
  if (full === undefined) throw invalid(name, 'a registry has no such names: write [HOST[:PORT]/]NAME[:TAG][@DIGEST]');
  const repository = repositoryOf(full);
  const rest = full.slice(repository.registry.length + 1 + repository.path.length);
  if (rest === '') return { ...repository, full: `${full}:latest`, version: 'latest' };
  const version = rest.slice(1);
  if (rest.startsWith(':')) return { ...repository, full, version };
  if (!isDigest(version)) throw invalid(name, 'its digest is malformed');
  return { ...repository, full, version, digest: version };
}

function invalid(name: string, why: string): DimgxError {
  return new DimgxError('DIMGX_REFERENCE_INVALID', `${quoted(name)} is no image of a registry: ${why}`);
}
