import { expect, inject, test } from 'vitest';
import { DockerClient } from '../helpers/docker-client.js';
import { describeWithEngines } from '../helpers/engines.js';
import { temporaryFolder } from '../helpers/members.js';
import { RUNS } from '../law/bounds.js';
import { checkLaw } from '../law/check-law.js';
import { shownByDocker } from '../law/docker-judge.js';
import { differencesFrom, judged, rowsLeftBy, type Show } from '../law/judged.js';
import { proven } from '../law/proven-row.js';
import { judgedRegressions } from '../law/regressions.js';

const rows = rowsLeftBy('docker');

describeWithEngines('what Docker Engine shows of the layers of an image', () => {
  const docker = new DockerClient(inject('dockerHost'));

  test('random stacks flatten to it', { timeout: 0 }, async () => {
    const folder = await temporaryFolder();
    const show: Show = (stacks) => shownByDocker(stacks, docker, folder);
    const law = checkLaw(
      (stacks) => differencesFrom(show, stacks, rows),
      RUNS / 4,
      (stack) => judged(stack, 'docker'),
    );
    await expect(law).resolves.toBeUndefined();
  });

  test.each(rows)('it differs on row $row', async (row) => {
    const folder = await temporaryFolder();
    expect(await proven(row, 'docker', (stacks) => shownByDocker(stacks, docker, folder))).toBe(
      'the row, and it alone',
    );
  });

  test.each(judgedRegressions('docker'))('$name', async ({ stack }) => {
    const folder = await temporaryFolder();
    expect(await differencesFrom((stacks) => shownByDocker(stacks, docker, folder), [stack], rows)).toEqual([[]]);
  });
});
