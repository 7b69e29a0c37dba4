import type { IndexedLayer } from '../layer/layer-index.js';
import { KIND, NONE, type Node } from '../merge/node.js';
import { SLASH } from '../tar/path.js';
import type { Versions } from './versions.js';

const SHORT_ID = 12;

/**
 * The path of each hidden version in a tar of them: that in the image, in a folder for its layer, `layer-N-DIFFID12`.
 * Where a layer has several versions whose paths exclude one another, all but the last have a folder of their own,
 * `layer-N-DIFFID12-entry-E`: extracting the tar must lose nothing.
 */
export class HiddenPaths {
  readonly #versions: Versions;
  readonly #displaced: ReadonlySet<Node>;
  readonly #folders: readonly string[];

  constructor(versions: Versions) {
    this.#versions = versions;
    this.#folders = versions.merged.layers.map(folderOf);
    this.#displaced = displacedNodes(versions);
  }

  readonly of = (node: Node): Buffer => {
    const { tree } = this.#versions.merged;
    const { layer, entry } = tree.ref(node);
    const folder = this.#folders[layer] as string;
    const own = this.#displaced.has(node) ? `${folder}-entry-${entry + 1}` : folder;
    return Buffer.concat([Buffer.from(own), Buffer.of(SLASH), tree.path(node)]);
  };
}

/** A layer without any ID, as in archives of 2015, has only its number. */
function folderOf({ layer, place }: IndexedLayer): string {
  const id = layer.diffId ?? layer.digest ?? layer.legacyId ?? '';
  const short = id.slice(id.indexOf(':') + 1).slice(0, SHORT_ID);
  return `layer-${place.position + 1}${short && `-${short}`}`;
}

/** What a path is taken for: by a version that is no directory, by one that is, or only by those below it. */
type Claim = 'leaf' | 'directory' | 'way';

/** The versions that another one of their layer leaves no room for. */
function displacedNodes(versions: Versions): ReadonlySet<Node> {
  const { merged, hidden, places } = versions;
  const { tree } = merged;
  const displaced = new Set<Node>();
  let claims = new Map<number, Claim>();
  const isFree = (node: Node) => {
    const own = claims.get(places[node] as number);
    if (own !== undefined && (own !== 'way' || tree.kind(node) !== KIND.directory)) return false;
    for (let at = tree.parent(node); at !== NONE; at = tree.parent(at)) {
      const claim = claims.get(places[at] as number);
      if (claim !== undefined) return claim !== 'leaf';
    }
    return true;
  };
  const claim = (node: Node) => {
    claims.set(places[node] as number, tree.kind(node) === KIND.directory ? 'directory' : 'leaf');
    for (let at = tree.parent(node); at !== NONE && !claims.has(places[at] as number); at = tree.parent(at)) {
      claims.set(places[at] as number, 'way');
    }
  };
  for (let from = 0; from < hidden.length; ) {
    const layer = tree.layer(hidden[from] as Node);
    let to = from;
    while (to < hidden.length && tree.layer(hidden[to] as Node) === layer) to++;
    const nodes = [...hidden.subarray(from, to)];
    const isOwn = (node: Node) => versions.hidingLayer(node) === layer;
    from = to;
    const own = nodes.filter(isOwn);
    if (own.length === 0) continue;
    claims = new Map();
    for (const node of nodes) if (!isOwn(node)) claim(node);
    for (const node of own.sort((one, other) => other - one)) {
      if (isFree(node)) claim(node);
      else displaced.add(node);
    }
  }
  return displaced;
}
