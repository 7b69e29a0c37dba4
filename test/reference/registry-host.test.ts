import { expect, test } from 'vitest';
import { parseRegistryHost } from '#dimgx/reference/image-name.js';

test.each([
  ['docker.io', 'docker.io'],
  ['index.docker.io', 'docker.io'],
  ['registry-1.docker.io', 'docker.io'],
  ['https://index.docker.io/v1/', 'docker.io'],
  ['quay.io', 'quay.io'],
  ['https://quay.io', 'quay.io'],
  ['http://localhost:5000/v2/', 'localhost:5000'],
  ['localhost', 'localhost'],
  ['h:5000/', 'h:5000'],
  ['[::1]:5000', '[::1]:5000'],
])('%s is the registry %s', (text, registry) => {
  expect(parseRegistryHost(text)).toBe(registry);
});

test.each([
  '',
  'quay',
  'quay.io/team',
  'user@quay.io',
  'https://',
  'a b.c',
  'quay.io:port',
  '-x.y',
  'ftp://quay.io',
  'h:65536',
])('%j is no registry', (text) => {
  expect(() => parseRegistryHost(text)).toThrow(expect.objectContaining({ code: 'DIMGX_REFERENCE_INVALID' }));
});
