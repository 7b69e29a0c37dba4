import { readFile, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { allHelp } from '#dimgx/cli/commands/command-help.js';
import { optionsIn } from '#dimgx/cli/options/option-table.js';
import { manPage } from '#dimgx/cli/output/man-page.js';
import { lacks } from '../../helpers/engines.js';
import { temporaryFolder } from '../../helpers/members.js';
import { runCommand } from '../../helpers/run-command.js';

test('the package has the manual page of this code, and names it', async () => {
  const root = new URL('../../../', import.meta.url);
  const { man, version } = JSON.parse(await readFile(new URL('package.json', root), 'utf8'));
  expect(await readFile(new URL(man, root), 'utf8')).toBe(await manPage(version));
});

test.skipIf(lacks('groff'))('groff shows every command and option, and warns of nothing (needs it)', async () => {
  const folder = await temporaryFolder();
  await writeFile(`${folder}/dimgx.1`, await manPage('2.0.0'));
  const args = ['-man', '-ww', '-Tascii', '-P-cbou', '-rLL=1000n', `${folder}/dimgx.1`];
  const { stdout, stderr } = await runCommand('groff', args);
  expect(stderr).toBe('');
  const text = stdout.toString();
  for (const { name, describe, groups, examples } of await allHelp()) {
    expect(text).toContain(`dimgx ${name}`.trim());
    expect(text).toContain(describe.split('\n')[0]);
    for (const [option] of optionsIn(groups)) expect(text).toContain(`--${option}`);
    for (const [line] of examples) expect(text).toContain(line);
  }
});
