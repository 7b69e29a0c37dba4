import { quoted } from '../../../base/text/printable.js';
import { DimgxError, inputWarner, type Warn } from '../../../errors.js';
import { type Image, type OpenContext, type OpenedImage, openedImage } from '../../../image/image.js';
import type { OpenOptions } from '../../../options.js';
import type { Digest } from '../../../reference/digest.js';
import { filePlace } from '../../file-source.js';
import { type Listed, type OpenRequest, type Place, transportIn, twoImages, type Usage } from '../../source.js';
import { chooseLayer, LAYER } from '../inventory/choose-layer.js';
import { findLeftovers } from '../inventory/find-leftovers.js';
import { findOwner } from '../inventory/find-owner.js';
import { openLayer } from '../inventory/open-layer.js';
import { ABSENT } from '../many-stores.js';
import { orDamage } from '../or-damage.js';
import type { StoreFiles } from '../store-files.js';
import { CONTENT_OF_CONTAINERD, ContainerdBlobs } from './containerd-blobs.js';
import { ContainerdContainers } from './containerd-containers.js';
import { ContainerdContents } from './containerd-contents.js';
import { containerdForm } from './containerd-form.js';
import { type ContainerdName, containerdNames, containerdOrigins } from './containerd-meta.js';
import { type ContainerdRecord, containerdRecords, DOCKER_NAMESPACE } from './containerd-records.js';
import { containerdReferences } from './containerd-references.js';
import { withSnapshots } from './snapshot-layers.js';

/** Which images of containerd are meant, and how users refer to them. */
interface ContainerdView {
  readonly usage: Usage;
  /** The folder of containerd below that of the store: empty, or with a slash at its end. */
  readonly top: string;
  /** The namespaces of an engine that has containerd to itself; names are then shown without them. Default: all. */
  readonly namespaces?: RegExp;
  /** The containers of such an engine. Default: those that containerd has records of. */
  readonly records?: () => readonly ContainerdRecord[];
}

/** Whether a folder is that of containerd, by the names in it. */
export function isContainerdRoot(files: StoreFiles, top = ''): boolean {
  return ['io.containerd.metadata.v1.bolt', CONTENT_OF_CONTAINERD].some((name) => files.hasFolder(`${top}${name}`));
}

/** The images and containers of containerd in its folder on a disk. Containerd need not run. */
export function containerdPlace(
  files: StoreFiles,
  view: ContainerdView,
  selector: string | undefined,
  context: OpenContext,
): Place {
  const storage = new ContainerdStorage(files, view, context);
  return {
    open: async (request) => storage.open(selector, request),
    owner: async (path) => findOwner(files, storage.contents(), path),
    list: (options) => storage.list(selector, options),
  };
}

class ContainerdStorage {
  readonly #files: StoreFiles;
  readonly #view: ContainerdView;
  readonly #context: OpenContext;
  readonly #content: ContainerdBlobs;
  #names: { readonly known: readonly ContainerdName[] | DimgxError | undefined } | undefined;
  #recorded: readonly ContainerdRecord[] | DimgxError | undefined;
  #own: readonly ContainerdRecord[] | undefined;

  constructor(files: StoreFiles, view: ContainerdView, context: OpenContext) {
    this.#files = files;
    this.#view = view;
    this.#context = context;
    this.#content = new ContainerdBlobs(files, view.top);
  }

  async open(selector: string | undefined, request: OpenRequest): Promise<Image> {
    const { image } = request.options;
    if (selector !== undefined && image !== undefined && selector !== image) throw twoImages(selector, image);
    const wanted = selector ?? image;
    if (wanted?.startsWith(LAYER)) return this.#openLayer(wanted, request);
    const [, namespace, name] = /^(?:([^/]+)\/)?container\/(.*)$/s.exec(wanted ?? '') ?? [];
    if (name === undefined) return this.#openImage(wanted, request);
    const containers = this.#containers();
    const record = containers.choose(name, namespace);
    if (record) return this.#openContainer(containers, record, request);
    return this.#openImage(wanted, request).catch(this.#without('container', name));
  }

  async #openLayer(wanted: string, request: OpenRequest): Promise<Image> {
    const name = wanted.slice(LAYER.length);
    const layer = chooseLayer(this.#files, this.contents().inventories(), name);
    if (layer) return openLayer(this.#files, transportIn(this.#view.usage), layer, request, this.#context);
    // An image may be called that.
    return this.#openImage(wanted, request).catch(this.#without('layer', name));
  }

  /** Says that there is none, if there is no such image either. */
  #without(what: string, name: string): (failure: unknown) => never {
    return (failure) => {
      if (!(failure instanceof DimgxError) || !ABSENT.includes(failure.code)) throw failure;
      throw new DimgxError('DIMGX_SOURCE_NO_SUCH_IMAGE', `${this.#files.location} has no ${what} ${quoted(name)}`);
    };
  }

  async list(selector: string | undefined, options: OpenOptions): Promise<Listed> {
    const listed = await this.#images(options, selector).place(selector).list(options);
    if (selector !== undefined) return listed;
    const containers = orDamage(() => this.#containers().list());
    const leftovers = orDamage(() => findLeftovers(this.#files, this.contents()));
    return {
      ...listed,
      ...(!(containers instanceof DimgxError) && { containers }),
      ...(!(leftovers instanceof DimgxError) && { leftovers }),
    };
  }

  /** What is known without the databases that are missing or damaged. */
  contents(): ContainerdContents {
    const { top, namespaces } = this.#view;
    const files = this.#files;
    const names = this.#knownNames();
    const recorded = this.#allRecords();
    const ofOthers = recorded instanceof DimgxError ? [] : recorded;
    const own = this.#ownRecords();
    const isDockers = ({ snapshot }: ContainerdRecord) => DOCKER_NAMESPACE.test(snapshot.namespace);
    const references = orDamage(() => containerdReferences(files, top, new Date()));
    return new ContainerdContents(files, {
      top,
      names: names && !(names instanceof DimgxError) ? names : searchedNames(this.#content),
      containers: own ? [...own, ...ofOthers.filter((each) => !isDockers(each))] : ofOthers,
      references: references instanceof DimgxError ? [] : references,
      isNamespaceShown: (namespace) => !namespaces?.test(namespace),
    });
  }

  async #openImage(selector: string | undefined, request: OpenRequest): Promise<OpenedImage> {
    const { names, place } = this.#images(request.options);
    const opened = openedImage(await place(selector).open(request));
    const namespaces = [...new Set(names.map(({ namespace }) => namespace))];
    const unpacked = { files: this.#files, top: this.#view.top, namespaces };
    return withSnapshots(opened, unpacked, inputWarner(request.options), this.#context);
  }

  #openContainer(containers: ContainerdContainers, record: ContainerdRecord, request: OpenRequest): Promise<Image> {
    return containers.open(record, {
      request,
      transport: transportIn(this.#view.usage),
      context: this.#context,
      warn: inputWarner(request.options),
      openImage: (selector) => {
        const { image: _, ...options } = request.options;
        return this.#openImage(selector, { ...request, options });
      },
    });
  }

  #containers(): ContainerdContainers {
    const records = this.#ownRecords() ?? this.#allRecords();
    if (records instanceof DimgxError) throw records;
    return new ContainerdContainers(this.#files, this.#view.top, records);
  }

  /** The names of images in the database, which is read once. @returns the error if it is damaged */
  #knownNames(): readonly ContainerdName[] | DimgxError | undefined {
    this.#names ??= { known: orDamage(() => containerdNames(this.#files, this.#view.top)) };
    return this.#names.known;
  }

  /** The records of containers in the database, likewise. */
  #allRecords(): readonly ContainerdRecord[] | DimgxError {
    this.#recorded ??= orDamage(() => containerdRecords(this.#files, this.#view.top));
    return this.#recorded;
  }

  /** Those that Docker keeps, likewise. @returns `undefined` for another client of containerd */
  #ownRecords(): readonly ContainerdRecord[] | undefined {
    this.#own ??= this.#view.records?.();
    return this.#own;
  }

  /** @param listed selector of a list */
  #images(options: OpenOptions, listed?: string) {
    const { usage, top, namespaces } = this.#view;
    const names = this.#shownNames(inputWarner(options));
    const originsOf = (digests: readonly Digest[]) => knownOrigins(this.#files, top, digests);
    const form = containerdForm({ usage, names, hasNamespaces: namespaces === undefined, originsOf }, listed);
    const place = (selector: string | undefined) =>
      filePlace(this.#content, { selector, forms: [form] }, this.#context);
    return { names, place };
  }

  /** Without the database, the images are searched for. Their names then are what an index calls them. */
  #shownNames(warn: Warn): readonly ContainerdName[] {
    const { namespaces, records } = this.#view;
    const known = this.#knownNames();
    if (known && !(known instanceof DimgxError)) {
      return namespaces ? known.filter(({ namespace }) => namespaces.test(namespace)) : known;
    }
    const what = known?.message ?? "containerd's database of names is missing";
    const message = `${what}: the images of ${this.#files.location} are known by their digests only${records ? '' : ', and its containers are not known'}`;
    warn({ code: 'DIMGX_STORE_NAMES_LOST', message, count: 1 });
    return searchedNames(this.#content);
  }
}

function searchedNames(content: ContainerdBlobs): readonly ContainerdName[] {
  return content.search().flatMap(([target, names]) => {
    return (names.length > 0 ? names : ['']).map((name) => ({ namespace: '', name, target }));
  });
}

/** They are only shown. */
function knownOrigins(files: StoreFiles, top: string, digests: readonly Digest[]) {
  try {
    return containerdOrigins(files, top, digests);
  } catch (failure) {
    if (failure instanceof DimgxError) return new Map<Digest, readonly string[]>();
    throw failure;
  }
}
