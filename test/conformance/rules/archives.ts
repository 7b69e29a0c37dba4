import { gzipSync } from 'node:zlib';
import { diffIdOf, imageIdOf } from '../../helpers/built-image.js';
import { docker25Archive, dockerArchive, legacyIdOf } from '../../helpers/docker-archive.js';
import type { Member } from '../../helpers/members.js';
import { ociLayout } from '../../helpers/oci-layout.js';
import { rawLayer } from '../../helpers/raw-layer.js';
import { file, type Section } from '../case.js';
import { LOAD_GO, OCI_LAYOUT, SAVED } from '../sources.js';

const LOWER = rawLayer([file('a', '1'), file('b', '2')]);
const UPPER = rawLayer([file('.wh.b'), file('c', '3')]);
const IMAGE = { layers: [LOWER, UPPER] };
const TREE = ['a=1', 'c=3'];
const FIRST = `${legacyIdOf([LOWER])}/layer.tar`;

/** The archive of `IMAGE` with another manifest.json. */
function manifested(change: (item: { Config: string; Layers: string[] }) => void): Record<string, Member> {
  const members = dockerArchive([IMAGE]);
  const manifest = JSON.parse(members['manifest.json'] as string);
  change(manifest[0]);
  return { ...members, 'manifest.json': JSON.stringify(manifest) };
}

/** The archive of `IMAGE` whose first layer is something else. */
const withFirst = (member: Member): Record<string, Member> => ({ ...dockerArchive([IMAGE]), [FIRST]: member });

const BASE_TOP_BASE = { layers: [LOWER, UPPER, LOWER] };
const BACK = ['a=1', 'b=2', 'c=3'];

export const ARCHIVES: Section = {
  title: 'The archive',
  rules: [
    {
      row: '12.5',
      says: 'Members are named `X` or `./X`, and manifest.json may stand anywhere.',
      source: LOAD_GO,
      cases: [
        {
          name: './X',
          archive: Object.entries(dockerArchive([IMAGE])).map(([name, member]) => [`./${name}`, member] as const),
          tree: TREE,
        },
        { name: 'manifest.json first', archive: Object.entries(dockerArchive([IMAGE])).reverse(), tree: TREE },
      ],
    },
    {
      row: '12.6',
      says: 'RepoTags may be null, history missing or counting steps without a layer.',
      source: SAVED,
      cases: [
        { name: 'tags', archive: dockerArchive([{ ...IMAGE, tags: ['conformance:tags'] }]), tree: TREE },
        { name: 'no tags', archive: dockerArchive([IMAGE]), tree: TREE },
        { name: 'no history', archive: dockerArchive([{ ...IMAGE, config: { history: undefined } }]), tree: TREE },
        {
          name: 'steps without a layer',
          archive: dockerArchive([
            {
              ...IMAGE,
              config: {
                history: [{ empty_layer: true }, { created_by: 'a' }, { empty_layer: true }, { created_by: 'b' }],
              },
            },
          ]),
          tree: TREE,
        },
      ],
    },
    {
      row: '12.7',
      says: 'One layer may be named twice, or be a symlink to that of another.',
      source: 'moby v20.10, image/tarexport/save.go',
      cases: [
        {
          name: 'the same path twice',
          archive: (() => {
            const members = dockerArchive([BASE_TOP_BASE]);
            const manifest = JSON.parse(members['manifest.json'] as string);
            manifest[0].Layers[2] = manifest[0].Layers[0];
            return { ...members, 'manifest.json': JSON.stringify(manifest) };
          })(),
          tree: BACK,
        },
        {
          name: 'a symlink',
          archive: {
            ...dockerArchive([BASE_TOP_BASE]),
            [`${legacyIdOf([LOWER, UPPER, LOWER])}/layer.tar`]: { type: 'symlink', linkname: `../${FIRST}` },
          },
          tree: BACK,
        },
      ],
    },
    {
      row: '12.8',
      says: 'An OCI layout, alone or with manifest.json beside it (docker save since 25).',
      engines: 'Docker reads a layout without manifest.json from 25 on; Podman and umoci read it.',
      choice: 'reads it.',
      source: OCI_LAYOUT,
      cases: [
        { name: 'layout', archive: ociLayout([{ ...IMAGE, tags: ['conformance:layout'] }]), tree: TREE },
        {
          name: 'gzip layers',
          archive: ociLayout([{ ...IMAGE, tags: ['conformance:gz'] }], { gzip: true }),
          tree: TREE,
        },
        { name: 'with manifest.json', archive: docker25Archive([{ ...IMAGE, tags: ['conformance:25'] }]), tree: TREE },
      ],
    },
    {
      row: '12.9',
      says: 'Data may follow the end of the archive; it may be compressed as a whole.',
      engines: 'Only Docker takes one compressed as a whole.',
      choice: 'takes both.',
      source: LOAD_GO,
      cases: [
        {
          name: 'data behind the end',
          archive: dockerArchive([IMAGE]),
          stored: (archive) => Buffer.concat([archive, Buffer.from('more')]),
          tree: TREE,
        },
        {
          name: 'gzip as a whole',
          archive: dockerArchive([IMAGE]),
          stored: (archive) => gzipSync(archive),
          tree: TREE,
        },
      ],
    },
    {
      row: '12.10',
      says: "Paths in manifest.json are names in the archive, never the host's; one that begins with / starts at its root.",
      engines: 'Podman does not find a config whose path begins with /.',
      choice: 'finds it.',
      source: `${LOAD_GO}, safePath`,
      cases: [
        {
          name: 'up',
          archive: manifested((item) => item.Layers.splice(0, 1, '../../../../etc/passwd')),
          refused: 'DIMGX_SOURCE_UNSAFE_PATH',
        },
        {
          name: 'absolute',
          archive: manifested((item) => item.Layers.splice(0, 1, '/etc/passwd')),
          refused: 'DIMGX_SOURCE_MISSING_BLOB',
        },
        {
          name: 'absolute, of a layer and the config that are there',
          archive: manifested((item) => {
            item.Layers = item.Layers.map((layer) => `/${layer}`);
            item.Config = `/${item.Config}`;
          }),
          tree: TREE,
        },
        {
          name: 'absolute, and up',
          archive: manifested((item) => item.Layers.splice(0, 1, '/../etc/passwd')),
          refused: 'DIMGX_SOURCE_UNSAFE_PATH',
        },
        {
          name: 'of the config',
          archive: manifested((item) => Object.assign(item, { Config: '../config.json' })),
          refused: 'DIMGX_SOURCE_UNSAFE_PATH',
        },
        {
          name: 'by a symlink',
          archive: withFirst({ type: 'symlink', linkname: '../../../../etc/passwd' }),
          refused: 'DIMGX_SOURCE_UNSAFE_PATH',
        },
      ],
    },
    {
      row: '12.11',
      says: 'Another number of layers than of diff IDs, a missing member and a wrong diff ID are refused.',
      engines: 'Podman 4.3 takes a wrong diff ID; all others refuse it.',
      choice: 'refuses it.',
      source: LOAD_GO,
      cases: [
        {
          name: 'a layer too few',
          archive: manifested((item) => item.Layers.pop()),
          refused: 'DIMGX_IMAGE_LAYER_COUNT',
        },
        {
          name: 'a layer too many',
          archive: manifested((item) => item.Layers.push(item.Layers[0] as string)),
          refused: 'DIMGX_IMAGE_LAYER_COUNT',
        },
        {
          name: 'a missing layer',
          archive: manifested((item) => item.Layers.splice(0, 1, 'none/layer.tar')),
          refused: 'DIMGX_SOURCE_MISSING_BLOB',
        },
        {
          name: 'a missing config',
          archive: Object.entries(dockerArchive([IMAGE])).filter(([name]) => name !== `${imageIdOf(IMAGE)}.json`),
          refused: 'DIMGX_SOURCE_MISSING_BLOB',
        },
        {
          name: 'a wrong diff ID',
          archive: dockerArchive([
            {
              ...IMAGE,
              config: { rootfs: { type: 'layers', diff_ids: [diffIdOf(LOWER), diffIdOf(LOWER)] } },
            },
          ]),
          refused: 'DIMGX_IMAGE_DIGEST_MISMATCH',
        },
      ],
    },
    {
      row: '12.12',
      says: 'A layer that is a fifo, a device, a directory or a link to what is not in the archive is refused.',
      engines: 'Docker hangs on a fifo.',
      choice: 'refuses all.',
      source: LOAD_GO,
      cases: [
        {
          name: 'a fifo',
          archive: withFirst({ type: 'fifo' }),
          refused: 'DIMGX_SOURCE_BAD_MEMBER',
          notAsked: 'Docker would wait for ever',
        },
        {
          name: 'a device',
          archive: withFirst({ type: 'character-device', devmajor: 1, devminor: 5 }),
          refused: 'DIMGX_SOURCE_BAD_MEMBER',
          notAsked: 'Docker would read the device for ever',
        },
        { name: 'a directory', archive: withFirst({ type: 'directory' }), refused: 'DIMGX_SOURCE_BAD_MEMBER' },
        {
          name: 'a dangling symlink',
          archive: withFirst({ type: 'symlink', linkname: '../none/layer.tar' }),
          refused: 'DIMGX_SOURCE_BAD_MEMBER',
        },
        {
          name: 'a dangling hard link',
          archive: withFirst({ type: 'link', linkname: 'none' }),
          refused: 'DIMGX_SOURCE_BAD_MEMBER',
        },
      ],
    },
  ],
};
