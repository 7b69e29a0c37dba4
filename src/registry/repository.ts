import type { HttpReply } from '../base/http/http-client.js';
import { MAX_DOCUMENT } from '../base/limits.js';
import { quoted } from '../base/text/printable.js';
import { DimgxError, type Warn } from '../errors.js';
import { checkDigest, digestOf } from '../image/checks.js';
import { parseDocument } from '../image/document.js';
import { type Document, KindSchema, MANIFEST_TYPES } from '../image/manifest.js';
import { algorithmOf, type Digest, isDigest } from '../reference/digest.js';
import type { RegistryName } from '../reference/image-name.js';
import type { WantedBlob } from './download-blob.js';
import { RegistryRefusal } from './registry-refusal.js';
import type { RegistryRequest, RegistryServer } from './registry-server.js';

/** A server that has a repository: its registry, or a mirror. */
export interface ServingPlace {
  readonly server: RegistryServer;
  /** Path of the repository there. */
  readonly path: string;
  /** Which requests a mirror may answer: its tags may be out of date. */
  readonly serves: 'all' | 'digest' | 'tag';
}

/** A thing to look for in several places. */
export interface Sought {
  /** Printable. */
  readonly what: string;
  readonly by: 'digest' | 'tag';
  /** Error code if no place has it. */
  readonly absent: 'DIMGX_SOURCE_NO_SUCH_IMAGE' | 'DIMGX_SOURCE_MISSING_BLOB';
}

/** A manifest, and where it came from. */
export interface ServedManifest extends Document {
  readonly location: string;
}

/** A repository in a registry and its mirrors. The mirrors are asked first, in order. */
export class Repository {
  readonly name: RegistryName;
  /** Make no requests. */
  readonly isOffline: boolean;
  readonly #places: readonly ServingPlace[];
  readonly #warn: Warn;

  /** @param places the registry itself comes last */
  constructor(name: RegistryName, places: readonly ServingPlace[], warn: Warn, isOffline = false) {
    this.name = name;
    this.isOffline = isOffline;
    this.#places = places;
    this.#warn = warn;
  }

  /** The registry itself. */
  get own(): RegistryServer {
    return (this.#places.at(-1) as ServingPlace).server;
  }

  /**
   * The manifest or index that the name refers to.
   *
   * @throws DIMGX_SOURCE_NO_SUCH_IMAGE, and as `manifest`
   */
  top(): Promise<ServedManifest> {
    return this.#manifest(this.name.version, quoted(this.name.full), 'DIMGX_SOURCE_NO_SUCH_IMAGE');
  }

  /**
   * A manifest or index that another one refers to.
   *
   * @throws DIMGX_SOURCE_MISSING_BLOB, DIMGX_REGISTRY_*, DIMGX_IMAGE_*, DIMGX_ABORTED
   */
  manifest(digest: Digest): Promise<ServedManifest> {
    return this.#manifest(digest, `the manifest ${digest}`, 'DIMGX_SOURCE_MISSING_BLOB');
  }

  /** A small blob, verified against its digest. @throws as `manifest` */
  config(digest: Digest): Promise<Uint8Array> {
    const what = `the config ${digest}`;
    return this.atFirst(
      { what, by: 'digest', absent: 'DIMGX_SOURCE_MISSING_BLOB' },
      undefined,
      async ({ server, path }) => {
        const { bytes } = await server.read(requestFor(path, `blobs/${digest}`, {}), MAX_DOCUMENT);
        checkDigest(bytes, digest, what);
        return bytes;
      },
    );
  }

  /**
   * Starts reading a blob.
   *
   * @param first offset of the first byte wanted
   * @throws RegistryRefusal, HttpFailure, DIMGX_REGISTRY_*, DIMGX_ABORTED
   */
  openBlob({ server, path }: ServingPlace, { digest, isDoubted }: WantedBlob, first: number): Promise<HttpReply> {
    const headers = {
      ...(first > 0 && { range: `bytes=${first}-` }),
      // some stores decompress gzip for clients that do not say they accept it
      ...(isDoubted && { 'accept-encoding': 'gzip' }),
    };
    return server.open(requestFor(path, `blobs/${digest}`, headers));
  }

  /**
   * Runs `work` on each place until one succeeds. A mirror's failure is a warning, unless the mirror only lacks the
   * thing.
   *
   * @param avoided tried last
   * @throws `sought.absent` when the last place lacks it, or when offline; otherwise the last place's failure
   */
  async atFirst<T>(
    sought: Sought,
    avoided: ServingPlace | undefined,
    work: (place: ServingPlace) => Promise<T>,
  ): Promise<T> {
    this.requireOnline(sought);
    const able = this.#places.filter(({ serves }) => serves === 'all' || serves === sought.by);
    const places = [...able.filter((place) => place !== avoided), ...able.filter((place) => place === avoided)];
    for (const [index, place] of places.entries()) {
      const isLast = index === places.length - 1;
      try {
        return await work(place);
      } catch (failure) {
        const isAbsent = failure instanceof RegistryRefusal && failure.status === 404;
        const error = isAbsent
          ? await absent(place, sought, failure)
          : await place.server.explain(failure, sought.what);
        if (isLast || error.code === 'DIMGX_ABORTED') throw error;
        if (!isAbsent) this.#passOver(place, error);
      }
    }
    throw new Error('a registry serves everything itself');
  }

  /** @throws `sought.absent` */
  requireOnline({ what, absent }: Sought): void {
    if (!this.isOffline) return;
    const message = `the cache does not have ${what}, and in offline mode no registry is asked`;
    throw new DimgxError(absent, message, { options: ['offline'] });
  }

  async #manifest(version: string, what: string, absent: Sought['absent']): Promise<ServedManifest> {
    const by = isDigest(version) ? 'digest' : 'tag';
    return this.atFirst({ what, by, absent }, undefined, async ({ server, path }) => {
      const headers = { accept: MANIFEST_TYPES.join(', ') };
      const { reply, bytes } = await server.read(requestFor(path, `manifests/${version}`, headers), MAX_DOCUMENT);
      const digest = checkedDigest(bytes, version, reply, what);
      refuseOtherType(bytes, reply.headers('content-type')[0], what);
      return { bytes, digest, location: server.location };
    });
  }

  #passOver({ server }: ServingPlace, { message }: DimgxError): void {
    const text = `the mirror ${server.location} is skipped: ${message}`;
    this.#warn({ code: 'DIMGX_REGISTRY_MIRROR_SKIPPED', message: text, count: 1 });
  }
}

function requestFor(path: string, what: string, headers: Readonly<Record<string, string>>): RegistryRequest {
  return { path: `${path}/${what}`, scope: `repository:${path}:pull`, headers };
}

async function absent({ server }: ServingPlace, { what, absent }: Sought, cause: RegistryRefusal): Promise<DimgxError> {
  return new DimgxError(absent, `${server.location} does not have ${what}: ${await server.saidIn(cause)}`, { cause });
}

/**
 * The digest of a manifest. The digest that the registry itself states must match too, or something in between has
 * altered the manifest.
 *
 * @throws DIMGX_IMAGE_DIGEST_MISMATCH
 */
function checkedDigest(bytes: Uint8Array, version: string, reply: HttpReply, what: string): Digest {
  if (isDigest(version)) checkDigest(bytes, version, what);
  const [said = ''] = reply.headers('docker-content-digest');
  if (isDigest(said)) checkDigest(bytes, said, what);
  return digestOf(bytes, isDigest(version) ? algorithmOf(version) : 'sha256');
}

/**
 * Rejects a manifest whose Content-Type and `mediaType` field disagree: some readers would take it for one thing and
 * others for another. If the registry's Content-Type is not a manifest type at all, the manifest is accepted. Source:
 * OCI image-spec and distribution-spec, CVE-2021-41190.
 *
 * @param contentType the header
 * @param what the document's name, printable
 * @throws DIMGX_IMAGE_BAD_JSON
 */
function refuseOtherType(bytes: Uint8Array, contentType: string | undefined, what: string): void {
  const sent = contentType?.replace(/;.*$/s, '').trim().toLowerCase() ?? '';
  const { mediaType } = parseDocument(bytes, KindSchema, what);
  if (!MANIFEST_TYPES.includes(sent) || mediaType === '' || mediaType === sent) return;
  const message = `${what} was sent as ${sent} but declares the type ${quoted(mediaType)}: the image is refused`;
  throw new DimgxError('DIMGX_IMAGE_BAD_JSON', message);
}
