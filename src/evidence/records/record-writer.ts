import type { Image } from '../../image/image.js';
import type { RecordWriter } from '../recorded-entry.js';
import { bodyfileRecord } from './bodyfile.js';
import { mtreeRecord } from './mtree.js';
import { type ProvenanceImage, provenanceRecord } from './provenance.js';
import { sha256sumsRecord } from './sha256sums.js';

const WRITERS = {
  provenance: (image: Image) => provenanceRecord(provenanceImage(image)),
  sha256sums: sha256sumsRecord,
  mtree: mtreeRecord,
  bodyfile: bodyfileRecord,
} as const;

/** The kinds of records. */
export type RecordName = keyof typeof WRITERS;

export const RECORD_NAMES = Object.keys(WRITERS) as readonly RecordName[];

/** The writer of a record about an image. */
export function recordWriter(name: RecordName, image: Image): RecordWriter {
  return WRITERS[name](image);
}

function provenanceImage({ id, manifestDigest, tags, config, platform, layers }: Image): ProvenanceImage {
  return {
    id,
    manifestDigest,
    tags,
    created: config.created,
    platform,
    layers: layers.map(({ diffId, digest, history, storedSize }, i) => ({
      layer: i + 1,
      diffId,
      digest,
      created: history?.created,
      createdBy: history?.createdBy,
      size: storedSize,
    })),
  };
}
