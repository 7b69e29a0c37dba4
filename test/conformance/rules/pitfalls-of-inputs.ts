import { gzipSync } from 'node:zlib';
import { type BuiltImage, diffIdOf, sha256 } from '../../helpers/built-image.js';
import { docker25Archive, dockerArchive, legacyIdOf } from '../../helpers/docker-archive.js';
import { type Descriptor, OciLayout, ociLayout } from '../../helpers/oci-layout.js';
import { rawLayer } from '../../helpers/raw-layer.js';
import { paxHeader, rawEntry } from '../../helpers/raw-tar.js';
import { file, type Section } from '../case.js';

const LOWER = rawLayer([file('a', '1'), file('b', '2')]);
const UPPER = rawLayer([file('.wh.b'), file('c', '3')]);
const TREE = ['a=1', 'c=3'];
const image = (tag: string): BuiltImage => ({ layers: [LOWER, UPPER], tags: [`conformance:${tag}`] });

/** A layout whose last image is tagged, for those who go by tags. */
function layout(build: (layout: OciLayout) => readonly Descriptor[]) {
  const made = new OciLayout();
  const descriptors = [...build(made)];
  const last = descriptors.pop() as Descriptor;
  return made.top([...descriptors, { ...last, annotations: { 'org.opencontainers.image.ref.name': 'case' } }]);
}

const MIB = 2 ** 20;
const BOMB = rawLayer([file('a', '\0'.repeat(4 * MIB))]);
const LZ4 = Buffer.from(`04224d18644073${'00'.repeat(600)}`, 'hex');

/** What users of such tools have tripped over: the inputs. */
export const PITFALLS_OF_INPUTS: Section = {
  title: 'Pitfalls: the inputs',
  rules: [
    {
      row: 'P11',
      says: 'Archives of Docker 25 and later: OCI blobs beside manifest.json, gzip layers and a nested index out of the containerd store; null fields; a missing blob is told.',
      engines: 'umoci does not look into an index in an index.',
      choice: 'takes it.',
      source: 'dive#498, dive#510, dive#534, docker-squash#236, moby#49473, moby#47065',
      cases: [
        {
          name: 'of the classic store',
          source: 'dive#498, docker-squash#236',
          archive: docker25Archive([image('p1')]),
          tree: TREE,
        },
        {
          name: 'of the containerd store',
          source: 'dive#510, dive#534',
          archive: docker25Archive([image('p2')], { gzip: true, nested: true }),
          tree: TREE,
        },
        {
          name: 'manifest.json first',
          archive: Object.entries(docker25Archive([image('p3')])).reverse(),
          tree: TREE,
        },
        {
          name: 'fields that are null',
          source: 'moby#47065, moby#47072, moby#47150, moby#47210',
          archive: dockerArchive([{ ...image('p4'), config: { config: null, history: null, container_config: null } }]),
          tree: TREE,
        },
        {
          name: 'a missing blob',
          source: 'moby#49473',
          archive: Object.entries(docker25Archive([image('p5')])).filter(([name]) => !name.endsWith(sha256(UPPER))),
          refused: 'DIMGX_SOURCE_MISSING_BLOB',
        },
      ],
    },
    {
      row: 'P12',
      says: 'A layer may be a symlink to another one, stand twice, and be empty.',
      engines: 'Docker reads no layout without manifest.json before 25.',
      choice: 'takes it.',
      source: 'moby#24003, udocker#361, dive#507, udocker#449',
      cases: [
        {
          name: 'a symlink',
          source: 'moby#24003, udocker#361',
          archive: {
            ...dockerArchive([{ layers: [LOWER, UPPER, LOWER] }]),
            [`${legacyIdOf([LOWER, UPPER, LOWER])}/layer.tar`]: {
              type: 'symlink',
              linkname: `../${legacyIdOf([LOWER])}/layer.tar`,
            },
          },
          tree: ['a=1', 'b=2', 'c=3'],
        },
        { name: 'twice', layers: [LOWER, UPPER, LOWER], tree: ['a=1', 'b=2', 'c=3'] },
        {
          name: 'twice in a layout',
          archive: ociLayout([{ layers: [LOWER, UPPER, LOWER], tags: ['conformance:twice'] }]),
          tree: ['a=1', 'b=2', 'c=3'],
        },
        {
          name: 'empty ones',
          source: 'dive#507, udocker#449',
          layers: [Buffer.alloc(1024), LOWER, Buffer.alloc(0), UPPER],
          tree: TREE,
        },
        {
          name: 'none at all',
          layers: [],
          tree: [],
          warnings: ['DIMGX_LAYER_NONE_SELECTED'],
          notAsked: 'engines keep no tree of it',
        },
      ],
    },
    {
      row: 'P13',
      says: 'Compression is told by the first bytes, whatever the media type says; an unknown one fails; gzip members may follow one another.',
      engines: 'umoci goes by the media type; Docker before 25 reads no layout without manifest.json.',
      choice: 'goes by the first bytes.',
      source: 'stereoscope#486, ggcr#1826',
      cases: [
        {
          name: 'gzip under the type of a plain tar',
          source: 'stereoscope#486',
          archive: layout((oci) => [labelled(oci, gzipSync(LOWER), 'tar')]),
          tree: ['a=1', 'b=2'],
        },
        {
          name: 'a plain tar under the type of gzip',
          source: 'ggcr#1826',
          archive: layout((oci) => [labelled(oci, LOWER, 'tar+gzip')]),
          tree: ['a=1', 'b=2'],
        },
        {
          name: 'lz4, which nobody reads',
          archive: layout((oci) => [labelled(oci, LZ4, 'tar', LZ4)]),
          refused: 'DIMGX_TAR_NOT_A_TAR',
        },
        {
          name: 'members that follow one another',
          archive: layout((oci) => [
            labelled(oci, Buffer.concat([gzipSync(LOWER.subarray(0, 99)), gzipSync(LOWER.subarray(99))]), 'tar+gzip'),
          ]),
          tree: ['a=1', 'b=2'],
        },
      ],
    },
    {
      row: 'P14',
      says: 'Every byte counts for a digest, also those behind the end of a tar; a digest is checked before it becomes a path.',
      source: 'CVE-2024-3727',
      cases: [
        {
          name: 'bytes behind the end',
          source: 'OCI image-spec, config.md, Layer DiffID',
          archive: dockerArchive([
            {
              layers: [Buffer.concat([LOWER, Buffer.from('more')])],
              config: { rootfs: { type: 'layers', diff_ids: [diffIdOf(LOWER)] } },
            },
          ]),
          refused: 'DIMGX_IMAGE_DIGEST_MISMATCH',
        },
        {
          name: 'a digest that is a path',
          archive: layout((oci) => [{ ...oci.manifest(image('p6')), digest: 'sha256:../../../etc/passwd' }]),
          refused: 'DIMGX_IMAGE_BAD_DIGEST',
        },
      ],
    },
    {
      row: 'P15',
      says: 'Attestations are no images; an index may lead to another; schema 1 is told.',
      engines:
        'Docker before 25 reads no layout without manifest.json; umoci does not look into an index in an index, and Podman 4.3 wants a layout of one image.',
      choice: 'takes both.',
      source: 'ggcr#1622, ggcr#1756',
      cases: [
        {
          name: 'an attestation beside the image, in an index of its own',
          archive: ociLayout([image('p7')], { nested: true }),
          tree: TREE,
        },
        {
          name: 'an attestation first',
          source: 'ggcr#1622',
          archive: layout((oci) => {
            const manifest = oci.manifest(image('p8'));
            return [oci.attestation(manifest), manifest];
          }),
          tree: TREE,
        },
        {
          name: 'schema 1',
          archive: layout((oci) => [
            oci.json(
              { schemaVersion: 1, name: 'x', tag: 'y', fsLayers: [], history: [] },
              'application/vnd.docker.distribution.manifest.v1+json',
            ),
          ]),
          refused: 'DIMGX_SOURCE_NOT_AN_IMAGE',
        },
      ],
    },
    {
      row: 'P18',
      says: 'Bombs stop at the limits.',
      engines: 'Engines have no limit (Docker 20.10 does not read this layout at all).',
      choice: '`--max-size` and `--max-entries`, here 1 MiB.',
      source: 'CVE-2017-14992, CVE-2025-58183',
      cases: [
        {
          name: 'gzip',
          source: 'CVE-2017-14992',
          archive: layout((oci) => [labelled(oci, gzipSync(BOMB), 'tar+gzip', BOMB)]),
          options: { limits: { maxSize: MIB } },
          refused: 'DIMGX_LIMIT_SIZE',
        },
        {
          name: 'a sparse map of millions',
          source: 'CVE-2025-58183',
          layers: [
            [
              paxHeader({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '0' }),
              rawEntry({ name: 's' }, `9999999\n${'0\n0\n'.repeat(128)}`),
            ],
          ],
          refused: 'DIMGX_TAR_BAD_SPARSE',
        },
      ],
    },
  ],
};

/**
 * An image of one layer, stored as given under a media type that may be another's.
 *
 * @param plain what comes out when it is decompressed
 */
function labelled(oci: OciLayout, stored: Uint8Array, type: string, plain: Uint8Array = LOWER) {
  const layers = [oci.blob(stored, `application/vnd.oci.image.layer.v1.${type}`)];
  const config = oci.json(
    { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [diffIdOf(plain)] } },
    'application/vnd.oci.image.config.v1+json',
  );
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  return oci.json({ schemaVersion: 2, mediaType, config, layers }, mediaType);
}
