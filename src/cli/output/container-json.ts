import type { Container } from '../../index.js';

/** A container for `--json`. Every key is always present; an unknown value is `null`. */
export interface ContainerJson {
  readonly id: string;
  readonly names: readonly string[];
  readonly image: string | null;
  /** 64 hex digits. */
  readonly imageId: string | null;
  readonly status: string;
  readonly exitCode: number | null;
  /** RFC 3339, as all times. */
  readonly created: string | null;
  readonly started: string | null;
  readonly finished: string | null;
  readonly command: readonly string[] | null;
  readonly logPath: string | null;
  readonly mounts: readonly MountJson[];
  readonly labels: Readonly<Record<string, string>>;
}

export interface MountJson {
  readonly type: string | null;
  readonly name: string | null;
  readonly source: string | null;
  readonly destination: string;
  readonly writable: boolean | null;
}

export function containerJson(container: Container): ContainerJson {
  const { id, names, image, imageId, status, exitCode, created, started, finished, command, logPath } = container;
  return {
    ...{ id, names, image: image ?? null, imageId: imageId ?? null, status, exitCode: exitCode ?? null },
    ...{ created: created ?? null, started: started ?? null, finished: finished ?? null },
    ...{ command: command ?? null, logPath: logPath ?? null },
    mounts: container.mounts.map(({ type, name, source, destination, isWritable }) => ({
      ...{ type: type ?? null, name: name ?? null, source: source ?? null, destination, writable: isWritable ?? null },
    })),
    labels: container.labels ?? {},
  };
}
