import { printable } from '../../base/text/printable.js';
import { listCatalog } from '../../registry/list-names.js';
import { OPTION_TABLE } from '../options/option-table.js';
import { REGISTRY_OPTIONS, registrySettings } from '../options/registry-settings.js';
import { usageError } from '../options/usage-error.js';
import { formatJson } from '../output/format-json.js';
import { defineCommand } from './command.js';

export const command = defineCommand({
  usage: '[options] HOST[:PORT]',
  describe: 'Lists the repositories of a registry that offers such a list.',
  examples: [['dimgx catalog registry.example:5000', 'list its repositories']],
  options: { json: { ...OPTION_TABLE.json, group: 'Options:', describe: 'print JSON' }, ...REGISTRY_OPTIONS },
  async run({ json, ...given }, operands, { log, signal, print }) {
    const [host, ...others] = operands;
    if (host === undefined || others.length > 0) throw usageError('catalog wants one registry');
    const registry = host.replace(/^docker:\/\//, '');
    const warn = log.warning.bind(log);
    const inform = (message: string) => log.write('info', message);
    const repositories = await listCatalog(registry, { ...registrySettings(given), warn, inform, signal });
    const lines = () => repositories.map((name) => `${printable(name)}\n`).join('');
    await print(json ? formatJson({ registry, repositories }) : lines());
  },
});
