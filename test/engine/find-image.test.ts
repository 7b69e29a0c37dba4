import { describe, expect, test } from 'vitest';
import type { EngineImage } from '#dimgx/engine/engine.js';
import { findImage } from '#dimgx/engine/look-up-image.js';

const hex = (start: string) => start.padEnd(64, '0');
const DIGEST = `sha256:${'d'.repeat(64)}`;

function image(id: string, repoTags: readonly string[] = [], repoDigests: readonly string[] = []): EngineImage {
  const fullNames = [...repoTags, ...repoDigests];
  return { id: hex(id), parentId: undefined, repoTags, repoDigests, fullNames, created: 0, size: 0 };
}

const IMAGES = [
  image('abc1', ['alpine:latest', 'alpine:3.20'], [`alpine@${DIGEST}`]),
  image('abc2', ['localhost:5000/tools/x:1']),
  image('beef', ['cafe:latest']),
  image('cafe'),
  image('1234'),
];

describe('an image of the engine is found', () => {
  test.each([
    ['by its name', 'alpine', 'abc1'],
    ['by its name in full', 'docker.io/library/alpine:latest', 'abc1'],
    ['by name and tag', 'alpine:3.20', 'abc1'],
    ['by name and digest', `alpine@${DIGEST}`, 'abc1'],
    ['by name, tag and digest, where the tag counts for nothing', `alpine:9@${DIGEST}`, 'abc1'],
    ['by a name with the port of a registry', 'localhost:5000/tools/x:1', 'abc2'],
    ['by the beginning of its ID', '12', '1234'],
    ['by its ID', hex('1234'), '1234'],
    ['by its ID with the algorithm', `sha256:${hex('1234')}`, '1234'],
    ['by the beginning of its ID with the algorithm', 'sha256:12', '1234'],
    ['by a name sooner than by an ID', 'cafe', 'beef'],
  ])('%s', (_, name, id) => {
    expect(findImage(IMAGES, name)?.id).toBe(hex(id));
  });

  test.each([
    'alpine:2',
    'alpine:latest:x',
    'localhost:5000/tools/x',
    'ffff',
    `other@${DIGEST}`,
    '@0',
    '',
    'Alpine',
    'alpine@abc1',
    `alpine@sha256:${hex('abc2')}`,
    `sha512:${hex('abc1')}`,
  ])('not by %j', (name) => {
    expect(findImage(IMAGES, name)).toBeUndefined();
  });

  test('by the beginning of its ID, unless that fits several: these are listed', () => {
    expect(() => findImage(IMAGES, 'abc')).toThrow(
      expect.objectContaining({
        code: 'DIMGX_SOURCE_AMBIGUOUS',
        message: expect.stringMatching(
          /abc1.* \(alpine:latest, alpine:3\.20\); abc2.* \(localhost:5000\/tools\/x:1\)$/,
        ),
      }),
    );
  });

  test('once, though it is listed twice', () => {
    expect(findImage([...IMAGES, ...IMAGES], 'alpine')?.id).toBe(hex('abc1'));
  });

  describe('of Podman, which writes names in full', () => {
    const named = (id: string, fullName: string, name: string): EngineImage => ({
      ...image(id, [name]),
      fullNames: [fullName],
    });
    const images = [
      named('a1', 'localhost/built:1', 'built:1'),
      named('a2', 'docker.io/library/both:latest', 'both:latest'),
      named('a3', 'localhost/both:latest', 'both:latest'),
    ];

    test.each([
      ['built:1', 'a1'],
      ['localhost/built:1', 'a1'],
      ['both', 'a3'],
      ['localhost/both', 'a3'],
      ['docker.io/library/both:latest', 'a2'],
    ])('by %j', (name, id) => {
      expect(findImage(images, name)?.id).toBe(hex(id));
    });

    test('not by a name that its registry does not have', () => {
      expect(findImage(images, 'docker.io/library/built:1')).toBeUndefined();
    });
  });
});
