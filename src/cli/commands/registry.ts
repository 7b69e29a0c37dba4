import { printable } from '../../index.js';
import { type FoundRepository, listRepositories, listTags, searchImages } from '../../registry.js';
import { text, wholeNumber } from '../options/option-row.js';
import { MIRROR_OPTIONS, REGISTRY_OPTIONS } from '../options/source-options.js';
import { alignColumns } from '../output/table.js';
import { defineCommand } from './command.js';

const LIMIT = 25;

export const tags = defineCommand({
  describe: 'Lists the tags of a repository in a registry.',
  examples: [
    ['dimgx tags debian', 'list the tags on Docker Hub'],
    ['dimgx tags --json ghcr.io/owner/name', 'list them as JSON'],
  ],
  operands: { name: 'REPOSITORY', count: 'one', wanted: 'needs one repository', mayBeEmpty: true },
  options: MIRROR_OPTIONS,
  json: 'print JSON',
  async run({ operands: [name], library }) {
    const { repository, tags } = await listTags(name, library);
    return { text: () => lines(tags), json: () => ({ repository, tags }) };
  },
});

export const catalog = defineCommand({
  describe: 'Lists the repositories of a registry that offers such a list.',
  examples: [['dimgx catalog registry.example:5000', 'list its repositories']],
  operands: { name: 'HOST[:PORT]', count: 'one', wanted: 'needs one registry', mayBeEmpty: true },
  options: REGISTRY_OPTIONS,
  json: 'print JSON',
  async run({ operands: [host], library }) {
    const { registry, repositories } = await listRepositories(host, library);
    return { text: () => lines(repositories), json: () => ({ registry, repositories }) };
  },
});

export const search = defineCommand({
  describe: 'Searches Docker Hub, or with HOST the repository names of that registry.',
  examples: [
    ['dimgx search nginx', 'search Docker Hub'],
    ['dimgx search --limit=5 registry.example:5000/base', 'search another registry'],
  ],
  operands: { name: '[HOST[:PORT]/]TERM', count: 'one', wanted: 'needs one term' },
  options: {
    limit: {
      ...text,
      metavar: '=N',
      read: wholeNumber(1, 10_000),
      describe: `print up to N results (default: ${LIMIT})`,
    },
    ...REGISTRY_OPTIONS,
  },
  json: 'print JSON',
  async run({ operands: [term], given: { limit = LIMIT }, library }) {
    const { results } = await searchImages(term, { ...library, limit });
    return { text: () => table(results), json: () => ({ term, results: results.map(resultJson) }) };
  },
});

function lines(names: readonly string[]): string {
  return names.map((name) => `${printable(name)}\n`).join('');
}

function resultJson({ name, description, stars, isOfficial }: FoundRepository) {
  return { name, description, stars: stars ?? null, isOfficial };
}

function table(results: readonly FoundRepository[]): string {
  if (results.length === 0) return '';
  const rows = results.map(({ name, description, stars, isOfficial }) => [
    printable(name, 200),
    stars === undefined ? '-' : String(stars),
    isOfficial ? 'yes' : '-',
    printable(description, 100),
  ]);
  return `${alignColumns([['NAME', 'STARS', 'OFFICIAL', 'DESCRIPTION'], ...rows]).join('\n')}\n`;
}
