/** What the name of a container begins with, where the name of an image could stand. */
export const CONTAINER = 'container/';

/** What a container is doing, as its engine recorded it last. */
export type ContainerStatus = 'created' | 'running' | 'paused' | 'restarting' | 'exited' | 'dead' | 'unknown';

/** Whether somebody may be writing the files of a container. */
export function mayBeRunning(status: ContainerStatus): boolean {
  return status !== 'created' && status !== 'exited' && status !== 'dead';
}

/** Whether an engine names a time that has come: programs in Go write the year 1 for any other. */
export function hasCome(time: string | null | undefined): time is string {
  return !!time && !time.startsWith('0001-');
}

/** Something that a container shows in its tree but that is not part of it. Untrusted text, as in its engine. */
export interface ContainerMount {
  /** `bind`, `volume`, `tmpfs`. */
  readonly type?: string;
  /** Name of the volume. */
  readonly name?: string;
  /** Path on the host. */
  readonly source?: string;
  /** Path in the container. */
  readonly destination: string;
  readonly isWritable?: boolean;
}

/** A container, as its engine's documents describe it. All text is untrusted. */
export interface Container {
  /** 64 hex digits; with containerd, whatever its client chose. */
  readonly id: string;
  readonly names: readonly string[];
  /** The image as it was asked for. */
  readonly image?: string;
  /** Digest of the image's config, 64 hex digits. */
  readonly imageId?: string;
  readonly status: ContainerStatus;
  readonly exitCode?: number;
  /** RFC 3339, as all times. */
  readonly created?: string;
  readonly started?: string;
  readonly finished?: string;
  readonly command?: readonly string[];
  /** Path on the host of what it printed. */
  readonly logPath?: string;
  readonly mounts: readonly ContainerMount[];
  /** Where it belongs in an orchestrator: pod, namespace. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** A container in the listing of an engine's storage. */
export interface ListedContainer extends Container {
  /** The reference of the storage that has it, if several were listed. */
  readonly store?: string;
  /** Size of its files that are not those of its image, in bytes. With drivers that keep whole trees: of all its files. */
  readonly size?: number;
  /** Why its layers cannot be read, as far as the documents show. */
  readonly problem?: { readonly code: string; readonly message: string };
}
