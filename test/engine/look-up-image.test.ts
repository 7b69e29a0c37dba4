import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { lookUpImage } from '#dimgx/engine/look-up-image.js';
import { openEngine } from '#dimgx/engine/open-engine.js';
import { engineProxy } from '../helpers/engine-proxy.js';
import { fakeEngine } from '../helpers/fake-engine.js';
import { codeOf, opened, openFake, TIMEOUTS } from '../helpers/opened-engine.js';

const ID = 'a'.repeat(64);
const PODMAN = { '/version': { ApiVersion: '1.41', Components: [{ Name: 'Podman Engine' }] } };
const DETAILS = { Id: ID, Size: 1 };

const answering = (status: number) => (_: unknown, response: ServerResponse) =>
  response.writeHead(status).end('{"message":"retrieving parent of image: file does not exist"}');

describe('an image that the engine does not list', () => {
  test.each([
    ['ml', 'localhost/ml'],
    ['ml:1', 'docker.io/library/ml:1'],
    ['tools/ml:1', 'localhost/tools/ml:1'],
    ['docker.io/ml', 'docker.io/library/ml'],
    ['h:5000/ml:1', 'h:5000/ml:1'],
    [`ml:1@sha256:${ID}`, `docker.io/library/ml@sha256:${ID}`],
  ])('is asked for by its name in full: %s', async (name, full) => {
    const path = `/images/${full.split('/').map(encodeURIComponent).join('/')}/json`;
    const engine = await openFake({ ...PODMAN, '/images/json': [], [path]: DETAILS });
    expect(await lookUpImage(engine, name)).toMatchObject({ details: { id: ID }, image: undefined });
  });

  test.each(['@1', '<none>', 'Ml', 'ml:1:2', '', `ml@${ID}`, ID, 'ml/'])(
    'is not asked for by what is no name: %j',
    async (name) => {
      const { host, asked } = await engineProxy(await fakeEngine({ '/images/json': [] }));
      expect(await lookUpImage(await opened(await openEngine({ host })), name)).toBeUndefined();
      expect(asked).toEqual(['/version', '/images/json?all=true']);
    },
  );

  test.each([ID.slice(0, 12), 'a', `sha256:${ID.slice(0, 12)}`])('is not taken by an ID: %s', async (name) => {
    const engine = await openFake({ '/images/json': [], [`/images/${encodeURIComponent(name)}/json`]: DETAILS });
    expect(await lookUpImage(engine, name)).toBeUndefined();
  });
});

describe('when the engine refuses to list its images', () => {
  const refusing = { ...PODMAN, '/images/json': answering(500) };

  test('one is found by its name, or its whole ID', async () => {
    const answers = { ...refusing, '/images/localhost/a%3A1/json': DETAILS, [`/images/${ID}/json`]: DETAILS };
    const engine = await openFake(answers);
    for (const name of ['a:1', ID, `sha256:${ID}`]) {
      expect(await lookUpImage(engine, name)).toMatchObject({ details: { id: ID }, images: [] });
    }
    expect(await lookUpImage(engine, 'b:1')).toBeUndefined();
  });

  test('none is found by the beginning of its ID, which could mean several', async () => {
    const engine = await openFake({ ...refusing, [`/images/${ID.slice(0, 12)}/json`]: DETAILS });
    await expect(lookUpImage(engine, ID.slice(0, 12))).rejects.toMatchObject({
      code: 'DIMGX_ENGINE_FAILED',
      message: expect.stringContaining('retrieving parent of image'),
    });
  });

  test.each<[string, string, unknown]>([
    ['does not allow it', 'DIMGX_ENGINE_DENIED', answering(403)],
    ['is cut', 'DIMGX_ENGINE_FAILED', (_: unknown, response: ServerResponse) => response.destroy()],
    ['says nothing', 'DIMGX_ENGINE_FAILED', () => {}],
  ])('that is an error when it %s', async (_, code, list) => {
    const answers = { '/images/json': list, '/images/docker.io/library/a%3A1/json': DETAILS };
    const engine = await openFake(answers, { timeouts: TIMEOUTS });
    expect(await codeOf(lookUpImage(engine, 'a:1'))).toBe(code);
  });
});
