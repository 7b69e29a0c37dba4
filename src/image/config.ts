import * as v from 'valibot';
import { type Digest, parseDigest } from './digest.js';
import { checkShape, parseJson } from './document.js';
import type { HistoryEntry, ImageConfig } from './image.js';
import { type Platform, platformOf } from './platform.js';

const Text = v.nullish(v.string());

const HistorySchema = v.object({
  created: Text,
  created_by: Text,
  comment: Text,
  empty_layer: v.nullish(v.boolean(), false),
});

const ConfigSchema = v.object({
  created: Text,
  architecture: Text,
  os: Text,
  variant: Text,
  rootfs: v.nullish(v.object({ diff_ids: v.nullish(v.array(v.string()), []) })),
  history: v.nullish(v.array(v.nullish(HistorySchema, {})), []),
});

/** A step of the history, and whether it made a layer. */
export interface HistoryStep {
  readonly history: HistoryEntry;
  readonly madeLayer: boolean;
  /** Of the image as it was after the step, where an engine tells: its ID, 64 hex digits, and its names. */
  readonly imageId?: string | undefined;
  readonly tags?: readonly string[];
}

/** A config with the parts that belong to layers, which `Image` hands out with the layers themselves. */
export interface ParsedConfig {
  readonly config: ImageConfig;
  readonly platform?: Platform;
  /** Oldest to newest. */
  readonly diffIds: readonly Digest[];
  /** Oldest to newest; empty where the config has none. */
  readonly history: readonly HistoryStep[];
}

/**
 * Reads an image config. Fields that are optional may also be null, as engines write them.
 *
 * @param what the config's name, printable, for messages
 * @throws DIMGX_IMAGE_BAD_JSON, DIMGX_IMAGE_BAD_DIGEST
 */
export function parseConfig(bytes: Uint8Array, what: string): ParsedConfig {
  const document = parseJson(bytes, what);
  const { created, architecture, os, variant, rootfs, history } = checkShape(document, ConfigSchema, what);
  const platform = platformOf({ os, architecture, variant });
  return {
    config: {
      ...(created && { created }),
      ...(architecture && { architecture }),
      ...(os && { os }),
      ...(variant && { variant }),
      document,
    },
    ...(platform && { platform }),
    diffIds: (rootfs?.diff_ids ?? []).map((diffId) => parseDigest(diffId, `a layer in ${what}`)),
    history: history.map((step) => ({ history: historyEntry(step), madeLayer: !step.empty_layer })),
  };
}

/** The entry without the fields that are null, empty or absent. */
export function historyEntry(step: {
  created?: string | null | undefined;
  created_by?: string | null | undefined;
  comment?: string | null | undefined;
}): HistoryEntry {
  const { created, created_by: createdBy, comment } = step;
  return { ...(created && { created }), ...(createdBy && { createdBy }), ...(comment && { comment }) };
}
