import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../helpers/members.js';
import { runCommand } from '../helpers/run-command.js';
import { shortOrLong } from '../helpers/short-or-long.js';
import { MANUAL, ROOT } from './markdown.js';

const SETTINGS = {
  compilerOptions: {
    ...{ strict: true, module: 'nodenext', target: 'es2023', lib: ['es2023', 'esnext.disposable'], types: ['node'] },
    ...{ exactOptionalPropertyTypes: true, skipLibCheck: true },
  },
};

/** The programs of the manual. What is JavaScript runs as it is written, TypeScript as it is compiled. */
const SNIPPETS = MANUAL.flatMap(({ name, fences }) =>
  fences
    .filter(({ language }) => language === 'js' || language === 'ts')
    .map(({ language, lines }) => ({ page: name, language, code: `${lines.join('\n')}\n` })),
);

/** A project of a user of the library, whose folder holds the fixtures, too. */
async function project(): Promise<string> {
  const folder = await temporaryFolder();
  await mkdir(`${folder}/node_modules`);
  await symlink(ROOT, `${folder}/node_modules/dimgx`);
  await symlink(`${ROOT}node_modules/@types`, `${folder}/node_modules/@types`);
  await symlink(`${ROOT}fixtures`, `${folder}/fixtures`);
  await writeFile(`${folder}/package.json`, '{"type":"module"}');
  await writeFile(`${folder}/tsconfig.json`, JSON.stringify({ ...SETTINGS, include: ['*.ts'] }));
  return folder;
}

test('every program of the manual compiles in a strict project, and runs', async () => {
  expect(SNIPPETS.length).toBeGreaterThanOrEqual(6);
  const folder = await project();
  for (const [i, { code }] of SNIPPETS.entries()) await writeFile(`${folder}/${i}.ts`, code);
  await runCommand(`${ROOT}node_modules/.bin/tsc`, ['-p', '.'], { cwd: folder });
  for (const [i, { page, language, code }] of SNIPPETS.entries()) {
    const [, said] = /console\.log\(.*\/\/ (DIMGX_.*)$/m.exec(code) ?? [];
    // the short form runs what the README shows and what says its output: each is a process
    if (page !== 'README.md' && said === undefined && shortOrLong(true, false)) continue;
    const work = `${folder}/${i}`;
    await mkdir(work);
    await symlink(`${ROOT}fixtures`, `${work}/fixtures`);
    if (language === 'js') await writeFile(`${folder}/${i}.js`, code);
    const { stdout } = await runCommand(process.execPath, [`${folder}/${i}.js`], { cwd: work });
    if (said !== undefined) expect(stdout.toString(), page).toBe(`${said}\n`);
  }
});
