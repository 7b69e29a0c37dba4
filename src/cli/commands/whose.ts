import { findPathOwner, type NamedOwner, type PathOwner, printable } from '../../index.js';
import { exactArguments } from '../options/exact-arguments.js';
import { SOURCE_OPTIONS } from '../options/source-options.js';
import { usageError } from '../options/usage-error.js';
import { alignColumns } from '../output/table.js';
import { defineCommand } from './command.js';

const { 'tmp-dir': tmpDir } = SOURCE_OPTIONS;

/** In characters. A name can be megabytes long. */
const LONGEST = 200;

export const whose = defineCommand({
  describe:
    "Says to which images and containers paths of an engine's storage belong. A path may be written as it was on the host of the storage, and it may be the ID of a layer.",
  examples: [
    ['dimgx whose docker-root:/mnt/var/lib/docker /var/lib/docker/overlay2/ID/diff/etc/passwd', 'find the container'],
    ['dimgx whose --json containers-storage: overlay/ID', 'the same for Podman, as JSON'],
  ],
  operands: { name: 'STORE PATH', count: 'some', wanted: 'needs a storage and a path in it', names: 'file' },
  options: { 'tmp-dir': tmpDir },
  json: 'print a JSON document for each path',
  async *run({ operands: [store, ...paths], library }) {
    if (paths.length === 0) throw usageError('whose needs a storage and a path in it');
    for (const path of exactArguments(paths)) {
      const owner = await findPathOwner(store, path, library);
      yield { text: () => ownerText(owner), json: () => ({ given: path, ...ownerJson(owner) }) };
    }
  },
});

/** Every key is always present; an unknown value is `null`. */
function ownerJson({ kind, id, path, images, containers, isHeld, leftover }: PathOwner) {
  return {
    ...{ kind, id, path: path ?? null, images: images.map(namedJson), containers: containers.map(namedJson) },
    ...{ held: isHeld, leftover: leftover ?? null },
  };
}

function namedJson({ id, names, namespace, part, layer, destinations = [] }: NamedOwner) {
  return { id, names, namespace: namespace ?? null, part: part ?? null, layer: layer ?? null, destinations };
}

function ownerText(owner: PathOwner): string {
  const { kind, id, path, images, containers, leftover } = owner;
  const facts: readonly (readonly [string, string])[] = [
    ['kind:', kind],
    ['id:', id],
    ...(path === undefined ? [] : [['path:', `/${path}`] as const]),
    ...images.map((image) => ['image:', ownerName(image)] as const),
    ...containers.map((container) => ['container:', ownerName(container)] as const),
    ...others(owner).map((other) => ['used by:', other] as const),
    ...(leftover ? [['leftover:', `${leftover.kind} ${leftover.id}`] as const] : []),
  ];
  return `${alignColumns(facts.map(([name, value]) => [name, printable(value, LONGEST)])).join('\n')}\n`;
}

/** What uses it that has no name. */
function others({ images, containers, isHeld }: PathOwner): readonly string[] {
  if (isHeld) return ['the build cache, or a download'];
  return images.length + containers.length === 0 ? ['nothing'] : [];
}

function ownerName({ id, names, namespace, part, layer, destinations = [] }: NamedOwner): string {
  const facts = [
    ...(namespace === undefined ? [] : [`namespace ${namespace}`]),
    ...(layer !== undefined ? [`layer @${layer}`] : part !== undefined ? [part] : []),
    ...destinations.map((destination) => `at ${destination}`),
  ];
  const short = id.replace(/^([0-9a-f]{12})[0-9a-f]{52}$/, '$1');
  return [...names, short, ...(facts.length === 0 ? [] : [`(${facts.join(', ')})`])].join(' ');
}
