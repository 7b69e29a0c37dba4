import { describe, expect, test } from 'vitest';
import { parseReference } from '#dimgx/source/reference.js';

const DIGEST = `sha256:${'a'.repeat(64)}`;

describe('parseReference', () => {
  test('takes "-" for standard input', () => {
    expect(parseReference('-')).toEqual({ transport: 'stdin' });
  });

  test('offers every split of path and selector, longest path first', () => {
    expect(parseReference('docker-archive:a:b.tar:alpine:3.20')).toEqual({
      transport: 'docker-archive',
      choices: [
        { path: 'a:b.tar:alpine:3.20' },
        { path: 'a:b.tar:alpine', selector: '3.20' },
        { path: 'a:b.tar', selector: 'alpine:3.20' },
        { path: 'a', selector: 'b.tar:alpine:3.20' },
      ],
    });
  });

  test('splits off a position in the archive', () => {
    const { choices } = parseReference('docker-archive:a.tar:@1') as { choices: readonly unknown[] };
    expect(choices).toContainEqual({ path: 'a.tar', selector: '@1' });
  });

  test('splits off a digest, with and without a tag before it', () => {
    const { choices } = parseReference(`oci:dir:tag@${DIGEST}`) as { choices: readonly unknown[] };
    expect(choices).toContainEqual({ path: 'dir:tag', selector: DIGEST });
    expect(choices).toContainEqual({ path: 'dir', selector: `tag@${DIGEST}` });
  });

  test('does not split at an "@" that begins no digest', () => {
    expect(parseReference('oci:a@b')).toEqual({ transport: 'oci', choices: [{ path: 'a@b' }] });
  });

  test('takes all of what follows dir: for the path', () => {
    expect(parseReference('dir:a:b')).toEqual({ transport: 'dir', choices: [{ path: 'a:b' }] });
  });

  test('reads the names of engine and registry images', () => {
    expect(parseReference('docker-daemon:alpine:3.20')).toEqual({ transport: 'docker-daemon', name: 'alpine:3.20' });
    expect(parseReference('docker://quay.io/x')).toEqual({ transport: 'docker', name: 'quay.io/x' });
  });

  test.each(['alpine', 'alpine:3.20', 'docker:dind', 'localhost:5000/x', 'C:\\x', './oci:x', 'name with blanks'])(
    'takes %j for a path or a name',
    (text) => {
      expect(parseReference(text)).toEqual({ transport: 'bare', text });
    },
  );

  test.each(['', 'a\0b', 'docker-archive:', 'docker-archive::x', 'oci:', 'dir:', 'docker-daemon:', 'docker://'])(
    'refuses %j',
    (text) => {
      expect(() => parseReference(text)).toThrow(
        expect.objectContaining({ code: 'DIMGX_REFERENCE_INVALID', exitCode: 1 }),
      );
    },
  );
});
