import { crc32, gzipSync } from 'node:zlib';
import { configOf, diffIdOf, sha256 } from '../../helpers/built-image.js';
import type { Member } from '../../helpers/members.js';
import { rawLayer } from '../../helpers/raw-layer.js';
import { file, type Section } from '../case.js';
import { GZIP, LOAD_GO } from '../sources.js';

const LAYER = rawLayer([file('a', '1')]);
const gz = gzipSync(LAYER);

/** An archive of one layer, stored as given, whose config has the diff ID of what should come out. */
function storedLayer(stored: Uint8Array, diffId = diffIdOf(LAYER)): Record<string, Member> {
  const config = configOf({ layers: [], config: { rootfs: { type: 'layers', diff_ids: [diffId] } } });
  const name = `${sha256(config)}.json`;
  return {
    [name]: config,
    l: stored,
    'manifest.json': JSON.stringify([{ Config: name, RepoTags: null, Layers: ['l'] }]),
  };
}

/** The same gzip stream with a name, a comment field and a checksum in its header. */
function withHeaderFields(stream: Buffer): Buffer {
  const flags = 0x04 | 0x08 | 0x02;
  const head = Buffer.concat([
    Buffer.from([0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3]),
    Buffer.from('\x06\0ab\x02\0xylayer.tar\0', 'latin1'),
  ]);
  const sum = Buffer.alloc(2);
  sum.writeUInt16LE(crc32(head) & 0xffff);
  return Buffer.concat([head, sum, stream.subarray(10)]);
}

function damaged(at: number): Buffer {
  const copy = Buffer.from(gz);
  copy[at] = (copy[at] as number) ^ 0x55;
  return copy;
}

/** `LAYER`, compressed by the program of that name. */
const BZIP2 =
  'QlpoOTFBWSZTWUgJkwwAADVbkOmAQABthAAA4AAeAAQAAAggAFRWgNBkND1BtKJ6mgaPUGmLS4qLWAFfuLtRvpYE0N8MKNBNJYq46TaMcTgTe4AKEXxdyRThQkEgJkww';
const XZ =
  '/Td6WFoAAAFpIt42AgAhARwAAAAQz1jM4Af/AD5dADCAM1AYaImDAdzibiEFRld82HMHLWx5Btrz8Ph0kS0KpinTwY0EhAhWOF0+sz/Y3Ft9PDNXNO8Hk4LlJ20AAAAAA9zIQQABVoAQAAAAOth9+D4wDYsCAAAAAAFZWg==';
const ZSTD = 'KLUv/WQAB8UBAHJCBw3gaQx7r5i6r7yd0TgFjq84MooDjcjenX+rwr8XCSBQtzv7/UgiFWAIoHSAyRsuETicnw4WmnemSA==';

export const COMPRESSION: Section = {
  title: 'Compression',
  rules: [
    {
      row: '12.1',
      says: 'The compression of a layer is told by its first bytes; the diff ID is that of the uncompressed bytes, all of them.',
      source: 'moby v20.10, pkg/archive/archive.go, DetectCompression',
      cases: [
        { name: 'gzip in a file that nothing says so of', archive: storedLayer(gz), tree: ['a=1'] },
        {
          name: 'gzip, the diff ID of other bytes',
          archive: storedLayer(gzipSync(Buffer.concat([LAYER, Buffer.alloc(512)]))),
          refused: 'DIMGX_IMAGE_DIGEST_MISMATCH',
        },
        {
          name: 'what is neither a tar nor compressed',
          archive: storedLayer(
            Buffer.from('no tar at all\n'.repeat(50)),
            diffIdOf(Buffer.from('no tar at all\n'.repeat(50))),
          ),
          refused: 'DIMGX_TAR_NOT_A_TAR',
        },
      ],
    },
    {
      row: '12.2',
      says: 'gzip may have several members, a header with fields of its own, and stored blocks.',
      engines: 'Podman 4.3 refuses the header with a checksum of its own (FHCRC), all others take it.',
      choice: 'takes all that RFC 1952 has.',
      source: GZIP,
      cases: [
        {
          name: 'several members',
          archive: storedLayer(
            Buffer.concat([gzipSync(LAYER.subarray(0, 700)), gzipSync(Buffer.alloc(0)), gzipSync(LAYER.subarray(700))]),
          ),
          tree: ['a=1'],
        },
        { name: 'FEXTRA, FNAME, FHCRC', archive: storedLayer(withHeaderFields(gz)), tree: ['a=1'] },
        { name: 'stored blocks', archive: storedLayer(gzipSync(LAYER, { level: 0 })), tree: ['a=1'] },
      ],
    },
    {
      row: '12.3',
      says: 'A wrong CRC or length, truncation and damaged data are refused.',
      source: GZIP,
      cases: [
        { name: 'CRC', archive: storedLayer(damaged(gz.length - 8)), refused: 'DIMGX_COMPRESSION_CORRUPT' },
        { name: 'length', archive: storedLayer(damaged(gz.length - 4)), refused: 'DIMGX_COMPRESSION_CORRUPT' },
        { name: 'truncated', archive: storedLayer(gz.subarray(0, -12)), refused: 'DIMGX_COMPRESSION_CORRUPT' },
        { name: 'end missing', archive: storedLayer(gz.subarray(0, -4)), refused: 'DIMGX_COMPRESSION_CORRUPT' },
        { name: 'damaged data', archive: storedLayer(damaged(20)), refused: 'DIMGX_COMPRESSION_CORRUPT' },
      ],
    },
    {
      row: '12.4',
      says: 'bzip2, xz and zstd are known.',
      engines: 'Docker 20.10 reads bzip2 and xz, and zstd from version 23 on; Podman reads all three.',
      choice: 'reads all three.',
      source: LOAD_GO,
      cases: Object.entries({ bzip2: BZIP2, xz: XZ, zstd: ZSTD }).map(([name, bytes]) => ({
        name,
        archive: storedLayer(Buffer.from(bytes, 'base64')),
        tree: ['a=1'],
      })),
    },
  ],
};
