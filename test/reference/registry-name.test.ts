import { describe, expect, test } from 'vitest';
import { parseRegistryName } from '#dimgx/reference/image-name.js';

const DIGEST = `sha256:${'a'.repeat(64)}` as const;

describe('the name of an image in a registry', () => {
  test.each([
    ['alpine', { registry: 'docker.io', path: 'library/alpine', version: 'latest' }],
    ['index.docker.io/alpine:3', { registry: 'docker.io', path: 'library/alpine', version: '3' }],
    ['docker.io/a/b:3', { registry: 'docker.io', path: 'a/b', version: '3' }],
    ['localhost:5000/a', { registry: 'localhost:5000', path: 'a', version: 'latest' }],
    ['[::1]:5000/a:b', { registry: '[::1]:5000', path: 'a', version: 'b' }],
    [`h:1/a:3@${DIGEST}`, { registry: 'h:1', path: 'a', version: DIGEST, digest: DIGEST }],
  ])('%s', (name, expected) => {
    expect(parseRegistryName(name)).toMatchObject(expected);
  });

  test.each([
    '',
    'Alpine',
    '@1',
    'a'.repeat(64),
    `a@sha256:${'a'.repeat(63)}`,
    `a@md5:${'a'.repeat(32)}`,
    'h:1/',
    '../a',
    'h:65536/a',
    '1.2.3.256/a',
    '[1::2::3]/a',
  ])('cannot be %s', (name) => {
    expect(() => parseRegistryName(name)).toThrow(expect.objectContaining({ code: 'DIMGX_REFERENCE_INVALID' }));
  });
});
