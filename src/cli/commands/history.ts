import prettyBytes from 'pretty-bytes';
import {
  type BuildStep,
  buildCommand,
  type ImageTree,
  listBuildSteps,
  openTree,
  type PathEvent,
  printable,
  provenanceObject,
} from '../../index.js';
import { argumentBytes } from '../options/exact-arguments.js';
import { TREE_GROUPS, TREE_OPTIONS } from '../options/option-table.js';
import { usageError } from '../options/usage-error.js';
import { alignColumns } from '../output/table.js';
import { factsText } from '../output/version-text.js';
import { defineCommand } from './command.js';

export const history = defineCommand({
  describe:
    'Tells how an image was built: each step, oldest first, with what its layer added, changed and removed. With a path, tells what each layer did to it; contents are compared, not assumed to be the same.',
  examples: [
    ['dimgx history image.tar', 'list the steps of the build'],
    ['dimgx history image.tar /etc/passwd', 'tell what became of a file'],
  ],
  operands: {
    name: 'IMAGE [PATH]',
    usage: 'IMAGE [PATH]',
    count: 'some',
    wanted: 'needs an image, and at most one path',
    names: 'file',
  },
  options: TREE_OPTIONS,
  shared: TREE_GROUPS,
  json: 'print a JSON object a line: a step, or what a layer did to the path',
  async *run({ operands: [reference, path, ...others], library }) {
    if (others.length > 0) throw usageError('history needs an image, and at most one path');
    if (path === undefined) {
      const steps = await listBuildSteps(reference, library);
      yield { text: () => stepsText(steps), jsonLines: () => steps.map(stepJson) };
      return;
    }
    const tree = await openTree(reference, library);
    try {
      const events: PathEvent[] = [];
      for await (const event of tree.history(argumentBytes([path])[0] as Uint8Array)) events.push(event);
      yield { text: () => eventsText(events, tree), jsonLines: () => events.map(eventJson) };
    } finally {
      await tree.close();
    }
  },
});

const HEADINGS = ['LAYER', 'CREATED', 'ADDED', 'CHANGED', 'REMOVED', 'SIZE', 'COMMAND'];

function stepsText(steps: readonly BuildStep[]): string {
  const rows = steps.map(({ layer, created, command, changes }) => [
    layer === undefined ? '-' : `@${layer}`,
    dateText(created),
    ...(['added', 'changed', 'removed'] as const).map((kind) => String(changes?.[kind] ?? '-')),
    changes ? prettyBytes(changes.bytes) : '-',
    oneLine(command),
  ]);
  return lines([HEADINGS, ...rows]);
}

/** Every key is always present; an unknown value is `null`. */
function stepJson({ layer, diffId, created, createdBy, comment, command, changes }: BuildStep) {
  return {
    ...{ layer: layer ?? null, diffId: diffId ?? null, created: created ?? null, command },
    ...{ createdBy: createdBy ?? null, comment: comment ?? null },
    ...{ added: changes?.added ?? null, changed: changes?.changed ?? null, removed: changes?.removed ?? null },
    bytes: changes?.bytes ?? null,
  };
}

function eventsText(events: readonly PathEvent[], { image }: ImageTree): string {
  const rows = events.map(({ action, layer, differences, entry }) => [
    `@${layer}`,
    action === 'changed' ? `changed (${differences.join(', ')})` : action,
    action === 'removed' ? hiderText(entry) : factsText(entry),
    oneLine(buildCommand(image.layers[layer - 1]?.history?.createdBy)),
  ]);
  return lines(rows);
}

function hiderText({ origin: { hiddenBy } }: PathEvent['entry']): string {
  return hiddenBy ? `${hiddenBy.how} by /${printable(hiddenBy.path, 200)}` : '';
}

function eventJson({ action, layer, differences, entry }: PathEvent) {
  return { action, by: layer, differences, ...provenanceObject(entry) };
}

function lines(rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? '' : `${alignColumns(rows).join('\n')}\n`;
}

function oneLine(text: string): string {
  return printable(text.replace(/\s+/g, ' ').trim());
}

/** In UTC, to the second. */
function dateText(created: string | undefined): string {
  const time = created === undefined ? Number.NaN : Date.parse(created);
  if (Number.isNaN(time) || new Date(time).getUTCFullYear() <= 1) return '-';
  return new Date(time).toISOString().replace('T', ' ').slice(0, 19);
}
