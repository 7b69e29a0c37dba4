import * as v from 'valibot';
import { printable, quoted } from '../../base/text/printable.js';
import { DimgxError } from '../../errors.js';
import { type Candidate, chooseImage, matchingImages } from '../../image/choose/choose-image.js';
import { MAX_MISSING } from '../../image/choose/examine-manifest.js';
import { Created, historyEntry, type ParsedConfig } from '../../image/config.js';
import { parseDocument } from '../../image/document.js';
import type { ListedImage } from '../../image/image.js';
import { DOCKER_LAYER_TYPE } from '../../image/manifest.js';
import { parseTolerantly, tolerantSchema } from '../../image/oddity.js';
import { type Platform, platformOf } from '../../image/platform.js';
import type { Documents } from './documents.js';
import type { FormRequest, FoundImage, FoundLayer } from './form.js';

/**
 * The form that `docker save` wrote up to 1.9: a folder for each layer, which names its parent. Source: moby,
 * image/spec/v1.md.
 */
export const usages = ['docker-archive:PATH[:NAME]'] as const;

const REPOSITORIES = 'repositories';
const ID = /^[0-9a-f]{64}$/;

export const marks = [REPOSITORIES] as const;

export async function recognises(documents: Documents): Promise<boolean> {
  if ((await documents.opening(REPOSITORIES)) !== undefined) return true;
  const [id] = (await documents.files.topNames()).filter((name) => ID.test(name));
  return id !== undefined && (await documents.opening(`${id}/json`)) !== undefined;
}

/**
 * Warns with DIMGX_SOURCE_UNVERIFIED: this form has no digests.
 *
 * @throws DIMGX_LAYER_BAD_PARENT, DIMGX_SOURCE_AMBIGUOUS, DIMGX_SOURCE_NO_SUCH_IMAGE, DIMGX_IMAGE_BAD_JSON
 */
export async function find({ documents, selector, warn }: FormRequest): Promise<FoundImage> {
  const { location } = documents.files;
  const nodes = await readNodes(documents);
  const tags = await readTags(documents, nodes);
  const tip = await chooseTip(nodes, tags, selector, location);
  const chain = chainOf(tip, nodes);
  const message = `${location} has no digests: its layers cannot be verified`;
  warn({ code: 'DIMGX_SOURCE_UNVERIFIED', message, count: 1 });
  return {
    id: tip,
    tags: tags.get(tip) ?? [],
    config: configOf(await documents.read(`${tip}/json`), chain, nodes),
    oddities: chain.flatMap((id) => nodes.get(id)?.oddity ?? []),
    layers: chain.map((id) => foundLayer(id, tags)),
  };
}

export async function list(documents: Documents): Promise<readonly ListedImage[]> {
  const nodes = await readNodes(documents);
  const tags = await readTags(documents, nodes);
  const images: ListedImage[] = [];
  for (const id of new Set([...tags.keys(), ...tipsOf(nodes)])) {
    const missing: string[] = [];
    let size = 0;
    for (const layer of chainOf(id, nodes)) {
      const path = `${layer}/layer.tar`;
      const length = await documents.lengthOf(path);
      size += length ?? 0;
      if (length === undefined && missing.length < MAX_MISSING) missing.push(path);
    }
    const isWhole = missing.length === 0;
    const facts = { kind: 'image', id, isWhole, missing, ...(isWhole && { size }), ...platformOfNode(nodes.get(id)) };
    images.push({ names: tags.get(id) ?? [], number: images.length, ...facts });
  }
  return images;
}

const NODE = tolerantSchema((may) => {
  const text = may(v.nullish(v.string()), null);
  return v.object({
    id: v.nullish(v.string()),
    parent: v.nullish(v.string()),
    created: may(v.nullish(Created), null),
    comment: text,
    architecture: text,
    os: text,
    /** Docker's first versions also wrote a command as a single string, and its reader accepts both forms. */
    container_config: may(v.nullish(v.object({ Cmd: v.nullish(v.union([v.string(), v.array(v.string())])) })), null),
  });
});

const RepositoriesSchema = v.record(v.string(), v.nullish(v.record(v.string(), v.string()), {}));

type LegacyLayer = v.InferOutput<typeof NODE.read> & { readonly oddity?: string };
type LegacyLayers = ReadonlyMap<string, LegacyLayer>;
type Tags = ReadonlyMap<string, readonly string[]>;

async function readNodes(documents: Documents): Promise<LegacyLayers> {
  const nodes = new Map<string, LegacyLayer>();
  for (const id of (await documents.files.topNames()).filter((name) => ID.test(name)).sort()) {
    const bytes = await documents.find(`${id}/json`);
    if (!bytes) continue;
    const { value: node, oddity } = parseTolerantly(bytes, NODE, `${id}/json`);
    if (node.id && node.id !== id) {
      throw new DimgxError(
        'DIMGX_IMAGE_BAD_JSON',
        `${id}/json describes another layer, ${quoted(node.id)}: the image is damaged`,
      );
    }
    nodes.set(id, { ...node, ...(oddity !== undefined && { oddity }) });
  }
  return nodes;
}

/** The `name:tag` of each layer that has any. */
async function readTags(documents: Documents, nodes: LegacyLayers): Promise<Tags> {
  const bytes = await documents.find(REPOSITORIES);
  const tags = new Map<string, string[]>();
  if (!bytes) return tags;
  const repositories = parseDocument(bytes, RepositoriesSchema, REPOSITORIES);
  for (const [name, ids] of Object.entries(repositories)) {
    for (const [tag, id] of Object.entries(ids)) {
      if (!nodes.has(id)) throw missingParent(id, `${name}:${tag}`);
      const known = tags.get(id);
      if (known) known.push(`${name}:${tag}`);
      else tags.set(id, [`${name}:${tag}`]);
    }
  }
  return tags;
}

/** The layer that the selector names. Without a selector, the only newest layer that is built on all tagged layers. */
async function chooseTip(
  nodes: LegacyLayers,
  tags: Tags,
  selector: string | undefined,
  location: string,
): Promise<string> {
  const candidate = (id: string): Candidate => ({ names: tags.get(id) ?? [], ids: [id] });
  const describe = async ({ ids: [id] }: Candidate) => ({ kind: 'image', ...platformOfNode(nodes.get(id)) });
  const tips = tipsOf(nodes);
  const images = [...new Set([...tags.keys(), ...tips])].map((id, number) => ({ ...candidate(id), number }));
  if (selector === undefined) {
    const tagged = taggedBelow(nodes, tags);
    const whole = tips.filter((tip) => tagged(tip) === tags.size);
    const request = { selector: undefined, location, describe };
    return (await chooseImage(whole.length === 1 ? whole.map(candidate) : images, request)).ids[0];
  }
  const isImage = matchingImages(images, selector).length > 0;
  const among = isImage ? images : [...nodes.keys()].map(candidate);
  return (await chooseImage(among, { selector, location, describe })).ids[0];
}

function platformOfNode(node: LegacyLayer | undefined): { readonly platform?: Platform } {
  const platform = platformOf(node);
  return platform ? { platform } : {};
}

function tipsOf(nodes: LegacyLayers): readonly string[] {
  const parents = new Set([...nodes.values()].map(({ parent }) => parent));
  const tips = [...nodes.keys()].filter((id) => !parents.has(id));
  if (tips.length === 0 && nodes.size > 0) throw loop([...nodes.keys()][0] ?? '');
  return tips;
}

/** Counts the tagged layers from a tip to its base. Each layer is visited once, however many tips there are. */
function taggedBelow(nodes: LegacyLayers, tags: Tags): (tip: string) => number {
  const counts = new Map<string, number>();
  return (tip) => {
    const path = new Set<string>();
    let id: string | null | undefined = tip;
    for (; id && nodes.has(id) && !counts.has(id); id = nodes.get(id)?.parent) {
      if (path.has(id)) throw loop(id);
      path.add(id);
    }
    let count = counts.get(id ?? '') ?? 0;
    for (const above of [...path].reverse()) {
      count += tags.has(above) ? 1 : 0;
      counts.set(above, count);
    }
    return count;
  };
}

/** The layers from the base to the tip. */
function chainOf(tip: string, nodes: LegacyLayers): readonly string[] {
  const chain = new Set<string>();
  for (let id: string | null | undefined = tip; id; id = nodes.get(id)?.parent) {
    if (chain.has(id)) throw loop(id);
    if (!nodes.has(id)) throw missingParent(id, [...chain].at(-1) ?? '');
    chain.add(id);
  }
  return [...chain].reverse();
}

/**
 * Keeps only the document of the newest layer whole. There may be many documents, and they take much more memory once
 * parsed.
 */
function configOf(tip: Uint8Array, chain: readonly string[], nodes: LegacyLayers): ParsedConfig {
  const what = `${chain.at(-1)}/json`;
  const { value, document } = parseTolerantly(tip, NODE, what);
  const { created, architecture, os } = value;
  const config = { ...(created && { created }), ...(architecture && { architecture }), ...(os && { os }), document };
  const history = chain.map((id) => {
    const node = nodes.get(id);
    const created_by = [node?.container_config?.Cmd ?? []].flat().join(' ');
    return { history: historyEntry({ created: node?.created, comment: node?.comment, created_by }), madeLayer: true };
  });
  const platform = platformOf({ os, architecture });
  return { bytes: tip, config, ...(platform && { platform }), diffIds: [], history };
}

function foundLayer(id: string, tags: Tags): FoundLayer {
  const file = `${id}/layer.tar`;
  return { file, mediaType: DOCKER_LAYER_TYPE, legacyId: id, imageId: id, tags: tags.get(id) ?? [] };
}

function loop(id: string): DimgxError {
  return new DimgxError('DIMGX_LAYER_BAD_PARENT', `the parents of layer ${id} form a loop: the image is refused`);
}

function missingParent(id: string, child: string): DimgxError {
  const names = `${printable(child, 100)} names the layer ${quoted(id)}`;
  return new DimgxError('DIMGX_LAYER_BAD_PARENT', `${names}, which is missing: the image is incomplete`);
}
