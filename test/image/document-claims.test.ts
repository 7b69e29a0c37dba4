import { describe, expect, test } from 'vitest';
import { documentClaims } from '#dimgx/image/document-claims.js';
import { configOf, sha256 } from '../helpers/built-image.js';

const config = configOf({ layers: [] });
const [id, source] = [sha256(config), { transport: 'oci' }];
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));
const manifest = bytes({ config: { digest: `sha256:${id}`, size: config.length }, layers: [] });
const manifestDigest = `sha256:${sha256(manifest)}`;
const index = bytes({ manifests: [{ digest: manifestDigest, size: manifest.length }] });

/** What is claimed, and whether it holds. */
function claims(
  image: Omit<Parameters<typeof documentClaims>[0], 'layers'>,
  documents: Parameters<typeof documentClaims>[1],
  layers: readonly { readonly diffId?: string }[] = [{ diffId: 'sha256:0' }],
): readonly string[] {
  return documentClaims({ ...image, layers }, documents).map(
    ({ document, claim, told, found }) => `${document} ${claim} ${told === found}`,
  );
}

test('digests and sizes of both documents are claimed, each once', () => {
  expect(claims({ id, manifestDigest, source }, { manifest, index, config })).toEqual([
    'manifest digest true',
    'manifest size true',
    'config digest true',
    'config size true',
  ]);
});

describe('the ID is the digest of the config', () => {
  test('of any algorithm', () => {
    for (const length of [96, 128]) {
      expect(claims({ id: 'a'.repeat(length), source }, { config })).toEqual(['config digest false']);
    }
  });

  test('but not of an image of containerd: that is the digest of a manifest or an index', () => {
    const hex = 'f'.repeat(64);
    expect(claims({ id: hex, manifestDigest: `sha256:${hex}`, source }, { config })).toEqual([]);
    expect(claims({ id: hex, source: { transport: 'docker-daemon' } }, { config })).toEqual([]);
    expect(claims({ id, source: { transport: 'docker-daemon' } }, { config })).toEqual(['config digest true']);
  });

  test('but not of an image of 2015', () => {
    const old = bytes({ id: 'f'.repeat(64) });
    expect(claims({ id: 'f'.repeat(64), source }, { config: old }, [{}])).toEqual([]);
    expect(claims({ id: 'f'.repeat(64), source }, { config: old })).toEqual(['config digest false']);
    expect(claims({ id: 'f'.repeat(64), source }, { config }, [])).toEqual(['config digest false']);
  });
});

test('the manifest of docker save claims nothing', () => {
  const list = bytes([{ Config: `${id}.json`, Layers: [] }]);
  expect(claims({ id, manifestDigest, source }, { manifest: list, config })).toEqual(['config digest true']);
});

test.each(['', '[', 'null', '5', '{"config":[]}', '{"config":{"digest":5,"size":"x"}}', '{"manifests":{}}', '\xff'])(
  'documents may be anything: %s',
  (text) => {
    const any = Buffer.from(text, 'latin1');
    expect(claims({ id, manifestDigest, source }, { manifest: any, index: any, config: any })).not.toContain('true');
  },
);
