import { containerdRootSource, containersStorageSource, dockerRootSource, hostRootSource } from './disk-source.js';
import { engineSource } from './engine-source.js';
import { fileSource } from './file-source.js';
import { registrySource } from './registry-source.js';
import { type Source, type TransportIn, transportIn, type Usage } from './source.js';

/** Every source. Everything else about transports derives from this table, or a test compares it. */
export const SOURCES = [
  fileSource,
  engineSource,
  registrySource,
  dockerRootSource,
  containerdRootSource,
  containersStorageSource,
  hostRootSource,
] as const satisfies readonly Source[];

type AnyUsage = (typeof SOURCES)[number]['usages'][number];

export type Transport = TransportIn<AnyUsage>;

/** How users write references, one for each transport. */
export const USAGES: readonly AnyUsage[] = SOURCES.flatMap<AnyUsage>(({ usages }) => usages);

export function sourceOf(transport: Transport): Source {
  const has = ({ usages }: Source) => usages.some((usage: Usage) => transportIn(usage) === transport);
  return SOURCES.find(has) as Source;
}
