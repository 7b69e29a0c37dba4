import { docker25Archive, dockerArchive, dockerV1Archive } from '../../helpers/docker-archive.js';
import type { Member } from '../../helpers/members.js';
import { OciLayout, ociLayout } from '../../helpers/oci-layout.js';
import { rawEntry, rawTar } from '../../helpers/raw-tar.js';
import { fullTar } from './tars.js';

/** The files of an image, by name. */
export type ImageMembers = readonly (readonly [name: string, bytes: Buffer])[];

const base = rawTar(rawEntry({ name: 'd/', type: '5' }), rawEntry({ name: 'd/a' }, 'a'), rawEntry({ name: 'b' }, 'b'));
const top = rawTar(rawEntry({ name: 'd/.wh.a' }), rawEntry({ name: 'c', type: '2', link: 'b' }));
const small = { tags: ['box:1'], layers: [base, top] };
const other = { tags: ['other:1', 'other:2'], layers: [base] };

/** An image in each form that dimgx reads. */
export function imageForms(): readonly ImageMembers[] {
  const [oldest, newest] = ['a'.repeat(64), 'b'.repeat(64)];
  const v1 = [
    { id: oldest, layer: base, tags: ['x:1'] },
    { id: newest, parent: oldest, layer: top, tags: ['x:latest'] },
  ];
  return [
    dockerArchive([{ tags: ['full:1'], layers: [fullTar(), fullTar()] }]),
    dockerArchive([small, other]),
    docker25Archive([small], { nested: true }),
    ociLayout([small], { nested: true }),
    ociLayout([other, small]),
    platformsOf(),
    dockerV1Archive(v1),
    skopeoFolder(),
  ].map((members) => Object.entries(members).map(([name, member]) => [name, bytesOf(member)] as const));
}

/** An index of two platforms. */
function platformsOf(): Record<string, Member> {
  const layout = new OciLayout();
  const manifests = ['amd64', 'arm64'].map((architecture) => ({
    ...layout.manifest({ ...small, config: { architecture } }),
    platform: { os: 'linux', architecture },
  }));
  return layout.top([layout.index(manifests)]);
}

/** What `skopeo copy … dir:` writes, in an archive: manifest and blobs at the top. */
function skopeoFolder(): Record<string, Member> {
  const layout = new OciLayout();
  const { digest } = layout.manifest(small);
  const blobs = Object.entries(layout.members).filter(([name]) => name.startsWith('blobs/'));
  const byHex = Object.fromEntries(blobs.map(([name, member]) => [name.slice('blobs/sha256/'.length), member]));
  const manifest = byHex[digest.slice('sha256:'.length)] as Member;
  return { version: 'Directory Transport Version: 1.1\n', 'manifest.json': manifest, ...byHex };
}

function bytesOf(member: Member): Buffer {
  if (typeof member === 'string' || member instanceof Uint8Array) return Buffer.from(member as string);
  throw new Error('a file was expected');
}
