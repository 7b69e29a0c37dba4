import { printable } from '../../base/text/printable.js';
import { type FoundRepository, searchImages } from '../../registry/search-images.js';
import { OPTION_TABLE } from '../options/option-table.js';
import { parseCount } from '../options/parse-number.js';
import { REGISTRY_OPTIONS, registrySettings } from '../options/registry-settings.js';
import { usageError } from '../options/usage-error.js';
import { alignColumns } from '../output/align-columns.js';
import { formatJson } from '../output/format-json.js';
import { defineCommand } from './command.js';

const LIMIT = 25;

export const command = defineCommand({
  usage: '[options] [HOST[:PORT]/]TERM',
  describe: 'Searches Docker Hub, or with HOST the repository names of that registry.',
  examples: [
    ['dimgx search nginx', 'search Docker Hub'],
    ['dimgx search --limit=5 registry.example:5000/base', 'search another registry'],
  ],
  options: {
    json: { ...OPTION_TABLE.json, group: 'Options:', describe: 'print JSON' },
    limit: { type: 'string', metavar: '=N', group: 'Options:', describe: `print up to N results (default: ${LIMIT})` },
    ...REGISTRY_OPTIONS,
  },
  async run({ json, limit, ...given }, operands, { log, signal, print }) {
    const [term, ...others] = operands;
    if (term === undefined || term === '' || others.length > 0) throw usageError('search wants one term');
    const most = limit === undefined ? LIMIT : parseCount('--limit', limit, 1, 10_000);
    const warn = log.warning.bind(log);
    const inform = (message: string) => log.write('info', message);
    const results = await searchImages(term, most, { ...registrySettings(given), warn, inform, signal });
    await print(json ? formatJson({ term, results: results.map(resultJson) }) : table(results));
  },
});

/** Later versions may add keys but remove none. */
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
