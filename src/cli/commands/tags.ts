import { printable } from '../../base/text/printable.js';
import { listTags } from '../../registry/list-names.js';
import { OPTION_TABLE } from '../options/option-table.js';
import { MIRROR_OPTION, REGISTRY_OPTIONS, registrySettings } from '../options/registry-settings.js';
import { usageError } from '../options/usage-error.js';
import { formatJson } from '../output/format-json.js';
import { defineCommand } from './command.js';

export const command = defineCommand({
  usage: '[options] REPOSITORY',
  describe: 'Lists the tags of a repository in a registry.',
  examples: [
    ['dimgx tags debian', 'list the tags on Docker Hub'],
    ['dimgx tags --json ghcr.io/owner/name', 'list them as JSON'],
  ],
  options: {
    json: { ...OPTION_TABLE.json, group: 'Options:', describe: 'print JSON' },
    ...REGISTRY_OPTIONS,
    ...MIRROR_OPTION,
  },
  async run({ json, ...given }, operands, { log, signal, print }) {
    const [name, ...others] = operands;
    if (name === undefined || others.length > 0) throw usageError('tags wants one repository');
    const repository = name.replace(/^docker:\/\//, '');
    const warn = log.warning.bind(log);
    const inform = (message: string) => log.write('info', message);
    const tags = await listTags(repository, { ...registrySettings(given), warn, inform, signal });
    await print(json ? formatJson({ repository, tags }) : tags.map((tag) => `${printable(tag)}\n`).join(''));
  },
});
