import { isUtf8 } from 'node:buffer';
import * as v from 'valibot';
import { DimgxError } from '../errors.js';
import { type Digest, parseDigest } from './digest.js';
import { checkShape, parseJson } from './document.js';
import type { HistoryEntry, ImageConfig } from './image.js';
import { type Platform, platformOf } from './platform.js';

const Created = v.pipe(
  v.string(),
  v.check((text) => text === '' || !Number.isNaN(Date.parse(text)), 'not a time'),
);

const Rootfs = v.nullish(v.object({ diff_ids: v.nullish(v.array(v.string()), []) }));

const StrictHistory = v.object({
  created: v.nullish(Created),
  created_by: v.nullish(v.string()),
  comment: v.nullish(v.string()),
  empty_layer: v.nullish(v.boolean(), false),
});

const StrictConfig = v.object({
  created: v.nullish(Created),
  architecture: v.nullish(v.string()),
  os: v.nullish(v.string()),
  variant: v.nullish(v.string()),
  rootfs: Rootfs,
  history: v.nullish(v.array(v.nullish(StrictHistory, {})), []),
});

const Text = v.fallback(v.nullish(v.string()), null);
const Time = v.fallback(v.nullish(Created), null);
const History = v.object({
  created: Time,
  created_by: Text,
  comment: Text,
  empty_layer: v.fallback(v.nullish(v.boolean(), false), false),
});

const NO_STEP = { created: null, created_by: null, comment: null, empty_layer: false };

/** As engines write configs, and as they are read: what does not change the tree may be malformed. */
const ConfigSchema = v.object({
  created: Time,
  architecture: Text,
  os: Text,
  variant: Text,
  rootfs: Rootfs,
  history: v.fallback(v.nullish(v.array(v.fallback(v.nullish(History, {}), NO_STEP)), []), []),
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
  /** What is malformed in it without changing the tree; printable. */
  readonly oddity?: string;
  readonly config: ImageConfig;
  readonly platform?: Platform;
  /** Oldest to newest. */
  readonly diffIds: readonly Digest[];
  /** Oldest to newest; empty where the config has none. */
  readonly history: readonly HistoryStep[];
}

/**
 * Reads an image config. Fields that are optional may also be null, as engines write them; those that do not
 * change the tree may be of any type.
 *
 * @param what the config's name, printable, for messages
 * @throws DIMGX_IMAGE_BAD_JSON, DIMGX_IMAGE_BAD_DIGEST
 */
export function parseConfig(bytes: Uint8Array, what: string): ParsedConfig {
  const document = parseJson(bytes, what);
  const { created, architecture, os, variant, rootfs, history } = checkShape(document, ConfigSchema, what);
  const oddity = oddityOf(bytes, document, what);
  const platform = platformOf({ os, architecture, variant });
  return {
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

/** The entry without the fields that are null, empty or absent. */
export function historyEntry(step: {
  created?: string | null | undefined;
  created_by?: string | null | undefined;
  comment?: string | null | undefined;
}): HistoryEntry {
  const { created, created_by: createdBy, comment } = step;
  return { ...(created && { created }), ...(createdBy && { createdBy }), ...(comment && { comment }) };
}

function oddityOf(bytes: Uint8Array, document: unknown, what: string): string | undefined {
  if (!isUtf8(bytes)) return `the text of ${what} is not UTF-8: what is not is replaced`;
  try {
    checkShape(document, StrictConfig, what);
    return undefined;
  } catch (failure) {
    if (failure instanceof DimgxError) return `${failure.message}: that is left out`;
    throw failure;
  }
}
