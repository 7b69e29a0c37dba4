import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import * as v from 'valibot';
import { type ByteSource, mapFailures, type OnPiece } from '../base/io/byte-source.js';
import { printable, quoted } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import type { Container } from '../image/container.js';
import { checkShape, parseJson } from '../image/document.js';
import type { Platform } from '../image/platform.js';
import type { Credentials } from '../registry/credentials/auth-file.js';
import { serverOf } from '../registry/credentials/server-key.js';
import type { Engine, EnginePullOptions } from './engine.js';
import {
  type EngineHistoryStep,
  type EngineImage,
  type EngineImageDetails,
  type NameStyle,
  type PullProgress,
  readContainer,
  readDetails,
  readHistory,
  readImages,
  readStorageFolder,
} from './engine-documents.js';
import type { EngineDownload } from './engine-download.js';
import { EngineRefusal } from './engine-error.js';
import type { EngineModem } from './engine-modem.js';
import { isAtLeast } from './engine-version.js';

/** An engine with Docker's API, used through dockerode. */
export class DockerEngine implements Engine {
  readonly location: string;
  readonly nameStyle: NameStyle;
  readonly #modem: EngineModem;
  readonly #dockerode: typeof Docker;
  readonly #docker: Docker;

  /** Loads dockerode, which takes a while. */
  static async over(modem: EngineModem, location: string, nameStyle: NameStyle): Promise<DockerEngine> {
    const { default: Dockerode } = await import('dockerode');
    return new DockerEngine(Dockerode, modem, location, nameStyle);
  }

  private constructor(dockerode: typeof Docker, modem: EngineModem, location: string, nameStyle: NameStyle) {
    this.#dockerode = dockerode;
    this.#docker = new dockerode({ modem });
    this.#modem = modem;
    this.nameStyle = nameStyle;
    this.location = location;
  }

  images(): Promise<readonly EngineImage[]> {
    return this.#doing('the list of images', async () => {
      return readImages(await this.#docker.listImages({ all: true }), this.nameStyle);
    });
  }

  async inspect(name: string, platform?: Platform): Promise<EngineImageDetails | undefined> {
    const path = namePath(name);
    if (path === undefined) return undefined;
    try {
      return await this.#doing(`the inspection of ${quoted(name)}`, async () => {
        return readDetails(await this.#choosing(platform, '1.49').getImage(path).inspect(), this.nameStyle);
      });
    } catch (failure) {
      if (isMissing(failure)) return undefined;
      throw failure;
    }
  }

  history(name: string, platform?: Platform): Promise<readonly EngineHistoryStep[]> {
    return this.#whileThere(name, `the history of ${quoted(name)}`, async () => {
      return readHistory(await this.#choosing(platform, '1.48').getImage(checkedPath(name)).history());
    });
  }

  save(name: string, platform?: Platform): Promise<ByteSource> {
    const request = `the save of ${quoted(name)}`;
    return this.#whileThere(name, request, async () => {
      const body = (await this.#choosing(platform, '1.48').getImage(checkedPath(name)).get()) as EngineDownload;
      return savedArchive(body, (cause) => this.#modem.explain(cause, request));
    });
  }

  async container(name: string): Promise<Container | undefined> {
    const path = namePath(name);
    if (path === undefined || name.includes('/')) return undefined;
    try {
      return await this.#doing(`the inspection of the container ${quoted(name)}`, async () => {
        return readContainer(await this.#docker.getContainer(path).inspect());
      });
    } catch (failure) {
      if (isMissing(failure)) return undefined;
      throw failure;
    }
  }

  async export(id: string): Promise<ByteSource> {
    const request = `the export of the container ${quoted(id)}`;
    try {
      return await this.#doing(request, async () => {
        const body = (await this.#docker.getContainer(checkedPath(id)).export()) as EngineDownload;
        return savedArchive(body, (cause) => this.#modem.explain(cause, request));
      });
    } catch (cause) {
      if (!isMissing(cause)) throw cause;
      const message = `${this.location} no longer has the container ${quoted(id)}, which was removed in the meantime`;
      throw new DimgxError('DIMGX_SOURCE_NO_SUCH_IMAGE', message, { cause });
    }
  }

  pull(name: string, { platform, credentials, onProgress }: EnginePullOptions = {}): Promise<void> {
    return this.#doing('the pull', async () => {
      const options = platform === undefined ? {} : { platform };
      const auth = credentials && registryAuth(serverOf(name), credentials);
      const reports = (await this.#docker.pull(name, options, undefined, auth)) as Readable;
      await followPull(reports, onProgress ?? (() => undefined));
    });
  }

  async storageFolder(): Promise<string | undefined> {
    if (!this.#modem.isLocal) return undefined;
    return this.#doing('its description of itself', async () => readStorageFolder(await this.#docker.info()));
  }

  close(): Promise<void> {
    return this.#modem.close();
  }

  /** @param least the API version in which the request gained its platform parameter */
  #choosing(platform: Platform | undefined, least: string): Docker {
    if (!platform || !isAtLeast(this.#modem.version, least)) return this.#docker;
    const { os, architecture, variant } = platform;
    const query = { platform: JSON.stringify({ os, architecture, ...(variant && { variant }) }) };
    return new this.#dockerode({ modem: this.#modem.withQuery(query) });
  }

  /** Runs work on an image that was found earlier. */
  async #whileThere<T>(name: string, request: string, work: () => Promise<T>): Promise<T> {
    try {
      return await this.#doing(request, work);
    } catch (cause) {
      if (!isMissing(cause)) throw cause;
      const message = `${this.location} no longer has the image ${quoted(name)}, which was removed in the meantime: try again, or pull it`;
      throw new DimgxError('DIMGX_SOURCE_NO_SUCH_IMAGE', message, { cause });
    }
  }

  async #doing<T>(request: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (failure) {
      throw this.#modem.explain(failure, request);
    }
  }
}

/** A name as part of a URL path. `undefined` for a name that no image can have, and that would lead to another path. */
function namePath(name: string): string | undefined {
  const parts = name.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..')) return undefined;
  return parts.map(encodeURIComponent).join('/');
}

function checkedPath(name: string): string {
  const path = namePath(name);
  if (path === undefined) throw new Error('no image can have that name');
  return path;
}

/**
 * Messages without a 404 for a name that no image has. Docker and Podman reject some such names as malformed, and
 * Docker's save fails to find the file of an ID.
 */
const MISSING =
  /no such image|invalid reference format|cannot specify 64-byte hexadecimal|failed to get digest sha256:.*no such file/i;

function isMissing(failure: unknown): boolean {
  const refusal = failure instanceof DimgxError ? failure.cause : undefined;
  if (!(refusal instanceof EngineRefusal)) return false;
  return refusal.status === 404 || MISSING.test(refusal.message);
}

/**
 * Encodes credentials as the header value that engines accept with a request.
 *
 * @param server the registry's name in docker's configuration
 */
function registryAuth(server: string, credentials: Credentials): string {
  const { username, password, identityToken, registryToken } = credentials;
  const document = {
    serveraddress: server,
    ...(username && { username, password }),
    ...(identityToken && { identitytoken: identityToken }),
    ...(registryToken && { registrytoken: registryToken }),
  };
  // URL-safe alphabet, but padded: the encoding that Go reads
  return Buffer.from(JSON.stringify(document)).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}

/** How much of the end of the stream is kept, in bytes. An engine's error document is shorter. */
const TAIL = 4096;

/**
 * The archive that an engine writes. An engine that fails midway cannot take back its status. It writes a JSON document
 * where the tar should continue, and ends its answer normally. A complete tar ends in zeros, so it cannot be mistaken
 * for one that failed.
 * Source: moby, api/server/router/image, getImagesGet.
 *
 * @param explain converts the engine's error to the one that the reader gets
 */
function savedArchive(body: ByteSource, explain: (cause: unknown) => Error): ByteSource {
  let tail: Buffer = Buffer.alloc(0);
  const forEachPiece = async (onPiece: OnPiece) => {
    await body.forEachPiece((piece) => {
      tail = Buffer.concat([tail, piece.subarray(-TAIL)]).subarray(-TAIL);
      return onPiece(piece);
    });
    const said = failureAtEnd(tail);
    if (said !== undefined) throw new Error(printable(said, 600));
  };
  return mapFailures({ forEachPiece, destroy: () => body.destroy() }, explain);
}

function failureAtEnd(tail: Buffer): string | undefined {
  const start = tail.lastIndexOf('{"errorDetail":');
  if (start < 0) return undefined;
  try {
    return String(JSON.parse(tail.subarray(start).toString()).errorDetail.message);
  } catch {
    return undefined;
  }
}

/** Maximum size of one report, in bytes. */
const MAX_REPORT = 2 ** 20;

const ReportSchema = v.object({
  id: v.nullish(v.string()),
  status: v.nullish(v.string()),
  error: v.nullish(v.string()),
  errorDetail: v.nullish(v.object({ message: v.nullish(v.string()) })),
  progressDetail: v.nullish(v.object({ current: v.nullish(v.number()), total: v.nullish(v.number()) })),
});

/**
 * Reads an engine's progress reports during a pull to their end. Each line is a JSON document.
 *
 * @throws an uncoded error with the engine's words when the pull fails; DIMGX_IMAGE_BAD_JSON; any error of the stream
 */
async function followPull(reports: Readable, onProgress: (progress: PullProgress) => void): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of reports as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
      report(rest.subarray(0, end), onProgress);
      rest = rest.subarray(end + 1);
    }
    if (rest.length > MAX_REPORT) throw new Error(`a report is longer than ${MAX_REPORT} bytes`);
  }
  report(rest, onProgress);
}

function report(line: Buffer, onProgress: (progress: PullProgress) => void): void {
  if (line.toString('latin1').trim() === '') return;
  const { id, status, error, errorDetail, progressDetail } = checkShape(
    parseJson(line, 'its report'),
    ReportSchema,
    'its report',
  );
  const failure = errorDetail?.message || error;
  if (failure) throw new Error(printable(failure.trim(), 600));
  if (!status) return;
  const { current, total } = progressDetail ?? {};
  onProgress({ id: id ?? undefined, status, current: current ?? undefined, total: total ?? undefined });
}
