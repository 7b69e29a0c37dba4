import { describe, expect, test } from 'vitest';
import { type Answers, fakeEngine } from '../helpers/fake-engine.js';
import { opened, refusal } from '../helpers/opened.js';

const ID = 'a1'.repeat(32);
const LISTED = { Id: ID, ParentId: '', RepoTags: ['app:1'], RepoDigests: null, Created: 1, Size: 1 };
const DETAILS = { Id: ID, Parent: '', Architecture: 'amd64', Os: 'linux', RootFS: { Layers: [] }, Size: 1 };
const APP = { '/images/json': [LISTED], [`/images/${ID}/json`]: DETAILS, [`/images/${ID}/history`]: [] };

const refused = async (name: string, answers: Answers, platform?: string) =>
  await refusal(`docker-daemon:${name}`, { host: await fakeEngine(answers), ...(platform && { platform }) });

describe('a pull is offered', () => {
  test.each(['none', 'none:1', 'cafe', 'quay.io/team/none:1', `none@sha256:${ID}`])(
    'for a name that the engine does not have: %s',
    async (name) => {
      expect(await refused(name, APP)).toMatchObject({
        code: 'DIMGX_SOURCE_NO_SUCH_IMAGE',
        message: expect.stringMatching(/ has no image "[^"]+"$/),
        options: ['pull'],
      });
    },
  );

  test.each(['@1', '<none>', '<none>:<none>', 'None:1', '0'.repeat(64), '0123456789ab', 'sha256:0123', 'none:1:2'])(
    'not for what no registry can have, or is an ID: %s',
    async (name) => {
      const failure = await refused(name, APP);
      expect(failure).toMatchObject({
        code: 'DIMGX_SOURCE_NO_SUCH_IMAGE',
        message: expect.stringMatching(/ has no image "[^"]+"$/),
      });
      expect(failure).not.toHaveProperty('options');
    },
  );

  test('for another platform, but not by an ID', async () => {
    const code = 'DIMGX_SOURCE_NO_PLATFORM';
    const [named, byId] = [await refused('app:1', APP, 'linux/arm64'), await refused(ID, APP, 'linux/arm64')];
    expect(named).toMatchObject({ code, message: expect.stringMatching(/arm64$/), options: ['pull'] });
    expect(byId).toMatchObject({ code, message: expect.stringMatching(/arm64$/) });
    expect(byId).not.toHaveProperty('options');
  });
});

test('an image that is removed when it has been found is told as that', async () => {
  const { [`/images/${ID}/history`]: history, ...without } = APP;
  expect(await refused('app:1', without)).toMatchObject({
    code: 'DIMGX_SOURCE_NO_SUCH_IMAGE',
    message: expect.stringMatching(
      / no longer has the image "(?:a1){32}", which was removed in the meantime: try again, or pull it$/,
    ),
  });
  const host = await fakeEngine({ ...without, [`/images/${ID}/history`]: history });
  expect((await opened('docker-daemon:app:1', { host })).id).toBe(ID);
});
