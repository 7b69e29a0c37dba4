export type { CompressionName } from './compression/codec.js';
export {
  type Choice,
  DimgxError,
  ERRORS,
  type ErrorCode,
  type ErrorDetails,
  type ExitCode,
  WARNINGS,
  type Warn,
  type Warning,
  type WarningCode,
} from './errors.js';
export { extractLayers } from './extract/extract-layers.js';
export { type FlattenOptions, type FlattenResult, flatten, type LayerCount } from './flatten.js';
export type { Digest } from './image/digest.js';
export type {
  HistoryEntry,
  HistoryRow,
  Image,
  ImageConfig,
  Layer,
  LayerFile,
  LayerKeeper,
  LayerWatcher,
  SpoolWatcher,
  StoredLayer,
  WatchArrivals,
  WatchLayer,
  WatchSpool,
} from './image/image.js';
export type { Limits } from './image/limits.js';
export type { ImageList, ListedImage } from './image/listed-image.js';
export type { Platform } from './image/platform.js';
export type { Region, RegionFile } from './image/region.js';
export type { Resources } from './image/resources.js';
export type { Entries, EntryType, EntryView } from './inspect/entries.js';
export { type InspectLayersOptions, inspectLayers } from './inspect/inspect-layers.js';
export type { LayerDigests, LayerIndex } from './inspect/layer-index.js';
export { createPool, type Pool, type PoolOptions } from './inspect/pool.js';
export { selectLayers } from './inspect/select-layers.js';
export { mergeLayers } from './merge/merge-layers.js';
export type { HiddenEntry, HiddenReason, Plan, PlanEntry } from './merge/plan.js';
export type {
  CommonOptions,
  EntryEvent,
  ExtractOptions,
  InspectOptions,
  LimitOptions,
  MergeOptions,
  OpenOptions,
  Progress,
  RegistryCredentials,
  RegistryOptions,
  SelectOptions,
  TargetOptions,
} from './options.js';
export { type ListOptions, listImages } from './source/list-images.js';
export { openImage } from './source/resolve.js';
