export { type Limits, parseSize } from './base/limits.js';
export { printable } from './base/text/printable.js';
export type { CompressionName } from './compression/codecs.js';
export { type CopyOptions, type CopyResult, copyFiles } from './copy-files.js';
export {
  type Choice,
  DimgxError,
  ERRORS,
  type ErrorCode,
  type ErrorDetails,
  type ExitCode,
  type HelpfulOption,
  WARNINGS,
  type Warn,
  type Warning,
  type WarningCode,
} from './errors.js';
export { buildCommand } from './evidence/build-command.js';
export type { Change, ChangeKind } from './evidence/changes.js';
export type { ChangeCount } from './evidence/count-changes.js';
export type { ListPathsOptions } from './evidence/list-paths.js';
export { listVersions, type Version } from './evidence/list-versions.js';
export type { Difference, PathEvent } from './evidence/path-history.js';
export type { HiddenHow, RecordedEntry, RecordedTime, RecordedType, VersionOrigin } from './evidence/recorded-entry.js';
export { type ProvenanceObject, provenanceObject, type ShownPath, shownPath } from './evidence/records/provenance.js';
export { extractLayers } from './extract/extract-layers.js';
export {
  type FlattenOptions,
  type FlattenResult,
  flatten,
  type LeftOutFile,
  type RecordTargets,
} from './flatten.js';
export type { Container, ContainerMount, ContainerStatus, ListedContainer } from './image/container.js';
export type { Image, ImageConfig, ImageList, ListedImage } from './image/image.js';
export type { HistoryEntry, HistoryRow, Layer, LayerOrigin } from './image/layer.js';
export type { Leftover, LeftoverKind } from './image/leftover.js';
export type { NamedOwner, PathKind, PathOwner } from './image/path-owner.js';
export { formatPlatform, type Platform, parsePlatform } from './image/platform.js';
export { selectLayers } from './image/select-layers.js';
export { type BuildStep, listBuildSteps, listChanges } from './image-history.js';
export { type InspectLayersOptions, inspectLayers } from './inspect/inspect-layers.js';
export { createPool, type Pool, type PoolOptions } from './inspect/pool.js';
export type { DeviceNumbers, Entries, EntryType, EntryView } from './layer/entries.js';
export type { LayerDigests, LayerIndex } from './layer/layer-index.js';
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
export type { Digest } from './reference/digest.js';
export { type SnapshotOptions, snapshot } from './snapshot/snapshot.js';
export type { ExaminationOptions, SnapshotFacts } from './snapshot/snapshot-facts.js';
export { findPathOwner } from './source/find-path-owner.js';
export { type ListOptions, listImages } from './source/list-images.js';
export { openImage } from './source/resolve.js';
export { type ImageTree, openTree, type TreeOptions } from './tree.js';
export type { UnpackResult } from './unpack/tree-writer.js';
export { type VerifyOptions, verify } from './verify/verify.js';
export type { VerifyResult } from './verify/verify-result.js';
export type { LayerCount } from './write-image.js';
