import { DimgxError, inputWarner, type Warn } from '../../errors.js';
import type { OpenContext } from '../../image/image.js';
import type { OpenOptions } from '../../options.js';
import type { Digest } from '../../reference/digest.js';
import { filePlace } from '../file-source.js';
import type { Place, Usage } from '../source.js';
import { ContainerdContent } from './containerd-content.js';
import { containerdForm } from './containerd-form.js';
import { type ContainerdName, containerdNames, containerdOrigins } from './containerd-meta.js';
import type { StoreFiles } from './store-files.js';

/** Which images of containerd are meant, and how users refer to them. */
interface ContainerdView {
  readonly usage: Usage;
  /** The folder of containerd below that of the store: empty, or with a slash at its end. */
  readonly top: string;
  /** The namespaces of an engine that has containerd to itself; names are then shown without them. Default: all. */
  readonly namespaces?: RegExp;
}

/** Whether a folder is that of containerd, by the names in it. */
export function isContainerdRoot(files: StoreFiles, top = ''): boolean {
  return ['io.containerd.metadata.v1.bolt', 'io.containerd.content.v1.content'].some((name) =>
    files.hasFolder(`${top}${name}`),
  );
}

/** The images of containerd in its folder on a disk. Containerd need not run. */
export function containerdPlace(
  files: StoreFiles,
  view: ContainerdView,
  selector: string | undefined,
  context: OpenContext,
): Place {
  const { usage, top, namespaces } = view;
  const content = new ContainerdContent(files, top);
  const images = (options: OpenOptions, listed?: string) => {
    const names = namesOf(files, content, view, inputWarner(options));
    const originsOf = (digests: readonly Digest[]) => knownOrigins(files, top, digests);
    const form = containerdForm({ usage, names, hasNamespaces: namespaces === undefined, originsOf }, listed);
    return filePlace(content, { selector, forms: [form] }, context);
  };
  return {
    open: async (request) => images(request.options).open(request),
    list: async (options) => images(options, selector).list(options),
  };
}

/** Without the database, the images are searched for. Their names then are what an index calls them. */
function namesOf(
  files: StoreFiles,
  content: ContainerdContent,
  { top, namespaces }: ContainerdView,
  warn: Warn,
): readonly ContainerdName[] {
  const known = orDamage(() => containerdNames(files, top));
  if (known && !(known instanceof DimgxError)) {
    return namespaces ? known.filter(({ namespace }) => namespaces.test(namespace)) : known;
  }
  const what = known?.message ?? "containerd's database of names is missing";
  const message = `${what}: the images of ${files.location} are known by their digests only`;
  warn({ code: 'DIMGX_STORE_NAMES_LOST', message, count: 1 });
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

function orDamage<T>(read: () => T): T | DimgxError {
  try {
    return read();
  } catch (failure) {
    if (failure instanceof DimgxError && failure.code === 'DIMGX_STORE_DAMAGED') return failure;
    throw failure;
  }
}
