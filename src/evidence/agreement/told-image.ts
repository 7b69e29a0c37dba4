import * as v from 'valibot';
import { tryParseJson } from '../../base/text/go-json.js';
import type { ProvenanceImage } from '../records/provenance.js';

const Text = v.optional(v.string());

/** The first line of provenance. */
const Heading = v.object({
  id: v.string(),
  manifestDigest: Text,
  tags: v.optional(v.array(v.string())),
  created: Text,
  platform: v.optional(v.record(v.string(), v.string())),
  layers: v.array(
    v.object({
      layer: v.number(),
      diffId: Text,
      digest: Text,
      created: Text,
      createdBy: Text,
      size: v.optional(v.number()),
    }),
  ),
});

/**
 * Reads the first line of provenance, which nobody has checked.
 *
 * @param line a character for each byte
 * @returns `undefined` if it is not of the right form, or its layers are not numbered from 1 on
 */
export function toldImage(line: string | undefined): ProvenanceImage | undefined {
  const value = line === undefined ? undefined : tryParseJson(Buffer.from(line, 'latin1').toString());
  const parsed = v.safeParse(Heading, value, { abortEarly: true });
  if (!parsed.success || parsed.output.layers.some(({ layer }, i) => layer !== i + 1)) return undefined;
  return parsed.output as ProvenanceImage;
}
