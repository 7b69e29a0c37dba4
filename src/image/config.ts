import * as v from 'valibot';
import { type Digest, parseDigest } from '../reference/digest.js';
import type { ImageConfig } from './image.js';
import type { HistoryEntry } from './layer.js';
import { parseTolerantly, tolerantSchema } from './oddity.js';
import { type Platform, platformOf } from './platform.js';

/** RFC 3339, or an empty string. */
export const Created = v.pipe(
  v.string(),
  v.check((text) => text === '' || !Number.isNaN(Date.parse(text)), 'not a time'),
);

const NO_STEP = { created: null, created_by: null, comment: null, empty_layer: false };

/** A config as engines write it. Fields that do not affect the tree may be malformed. */
const CONFIG = tolerantSchema((may) => {
  const text = may(v.nullish(v.string()), null);
  const created = may(v.nullish(Created), null);
  const step = v.object({
    created,
    created_by: text,
    comment: text,
    empty_layer: may(v.nullish(v.boolean(), false), false),
  });
  return v.object({
    created,
    architecture: text,
    os: text,
    variant: text,
    rootfs: v.nullish(v.object({ diff_ids: v.nullish(v.array(v.string()), []) })),
    history: may(v.nullish(v.array(may(v.nullish(step, {}), NO_STEP)), []), []),
  });
});

/** A history step, and whether it made a layer. */
export interface HistoryStep {
  readonly history: HistoryEntry;
  readonly madeLayer: boolean;
  /** ID (64 hex digits) and names of the image after this step, if the engine reports them. */
  readonly imageId?: string | undefined;
  readonly tags?: readonly string[];
}

/** A config, including the parts that `Image` returns with its layers. */
export interface ParsedConfig {
  /** The document itself, unless it was made up. */
  readonly bytes?: Uint8Array | undefined;
  /** Printable description of what is malformed without affecting the tree. */
  readonly oddity?: string;
  readonly config: ImageConfig;
  readonly platform?: Platform;
  /** Oldest to newest. */
  readonly diffIds: readonly Digest[];
  /** Oldest to newest; empty if the config has no history. */
  readonly history: readonly HistoryStep[];
}

/**
 * Parses an image config. Optional fields may also be null, as engines write them. Fields that do not affect the tree
 * may be of any type.
 *
 * @param what printable name of the config, for messages
 * @throws DIMGX_IMAGE_BAD_JSON, DIMGX_IMAGE_BAD_DIGEST
 */
export function parseConfig(bytes: Uint8Array, what: string): ParsedConfig {
  const { value, document, oddity } = parseTolerantly(bytes, CONFIG, what);
  const { created, architecture, os, variant, rootfs, history } = value;
  const platform = platformOf({ os, architecture, variant });
  return {
    bytes,
    config: {
      ...(created && { created }),
      ...(architecture && { architecture }),
      ...(os && { os }),
      ...(variant && { variant }),
      document,
    },
    ...(oddity && { oddity }),
    ...(platform && { platform }),
    diffIds: (rootfs?.diff_ids ?? []).map((diffId) => parseDigest(diffId, `a layer in ${what}`)),
    history: history.map((step) => ({ history: historyEntry(step), madeLayer: !step.empty_layer })),
  };
}

/** The history entry without fields that are null, empty or absent. */
export function historyEntry(step: {
  created?: string | null | undefined;
  created_by?: string | null | undefined;
  comment?: string | null | undefined;
}): HistoryEntry {
  const { created, created_by: createdBy, comment } = step;
  return { ...(created && { created }), ...(createdBy && { createdBy }), ...(comment && { comment }) };
}
