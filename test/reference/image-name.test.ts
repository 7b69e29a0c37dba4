import { describe, expect, test } from 'vitest';
import { normalizeImageName } from '#dimgx/reference/image-name.js';

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
