import { describe, expect, test } from 'vitest';
import { fullName, normalizeImageName, repositoryOf } from '#dimgx/reference/image-name.js';

describe('normalizeImageName', () => {
  test.each([
    ['alpine', 'alpine:latest'],
    ['library/alpine', 'alpine:latest'],
    ['docker.io/library/alpine:3', 'alpine:3'],
    ['index.docker.io/library/alpine:3', 'alpine:3'],
    ['docker.io/user/app', 'user/app:latest'],
    ['localhost:5000/app', 'localhost:5000/app:latest'],
    ['quay.io/library/app:1', 'quay.io/library/app:1'],
    ['alpine@sha256:ab', 'alpine@sha256:ab'],
  ])('spells %s as %s', (name, expected) => {
    expect(normalizeImageName(name)).toBe(expected);
  });
});

describe('repositoryOf', () => {
  test.each([
    ['alpine', 'docker.io', 'library/alpine'],
    ['user/app:1', 'docker.io', 'user/app'],
    ['docker.io/alpine@sha256:ab', 'docker.io', 'library/alpine'],
    ['index.docker.io/library/alpine', 'docker.io', 'library/alpine'],
    ['localhost/app', 'localhost', 'app'],
    ['localhost:5000', 'docker.io', 'library/localhost'],
    ['127.0.0.1:5000/a/b/c:1@sha256:ab', '127.0.0.1:5000', 'a/b/c'],
    ['[::1]:5000/a', '[::1]:5000', 'a'],
    ['Upper/a', 'Upper', 'a'],
    ['quay.io/team/app', 'quay.io', 'team/app'],
  ])('finds %s at %s as %s', (name, registry, path) => {
    expect(repositoryOf(name)).toEqual({ registry, path });
  });
});

describe('fullName', () => {
  const DIGEST = `sha256:${'a'.repeat(64)}`;

  test.each([
    ['alpine', 'docker.io/library/alpine'],
    ['index.docker.io/alpine:3', 'docker.io/library/alpine:3'],
    ['user/a_b__c-d---e.f:1', 'docker.io/user/a_b__c-d---e.f:1'],
    ['localhost/a', 'localhost/a'],
    ['[::1]:5000/a:B', '[::1]:5000/a:B'],
    [`h:1/a:3@${DIGEST}`, `h:1/a@${DIGEST}`],
    ['cafe', 'docker.io/library/cafe'],
  ])('of %s is %s', (name, full) => {
    expect(fullName(name)).toBe(full);
  });

  test.each([
    ...[
      '',
      '@1',
      '<none>',
      '<none>:<none>',
      'Alpine',
      'a:',
      'a:1:2',
      '/a',
      'a/',
      'a//b',
      'a..b',
      'a_',
      '-a',
      'a b',
      'a\n',
    ],
    ...['a@b', 'a@sha256:ab', 'h_1.x/a', 'a'.repeat(64), `a:${'1'.repeat(129)}`, '../a', `@${DIGEST}`],
  ])('there is none of %j', (name) => {
    expect(fullName(name)).toBeUndefined();
  });
});
