import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { callDimgx } from './shared-dimgx.js';

/** The records of a run, by option. */
export const RECORDS = ['provenance', 'sha256sums', 'mtree', 'bodyfile'] as const;

/** A line of a provenance record, as far as tests look at it. */
export interface Provenance {
  readonly path: string;
  readonly pathBase64?: string;
  readonly type: string;
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: string;
  readonly target?: string;
  readonly targetBase64?: string;
  readonly device?: { readonly major: number; readonly minor: number };
  readonly xattrs?: Readonly<Record<string, string>>;
  readonly sha256?: string;
  readonly inode: number;
  readonly nlink: number;
  readonly layer: number;
  readonly diffId?: string;
  readonly createdBy?: string;
  readonly state: 'present' | 'hidden';
  readonly hiddenBy?: { readonly layer: number; readonly how: string; readonly path: string };
  readonly aliveAs?: readonly string[];
  readonly shadows?: readonly { readonly layer: number; readonly inode: number }[];
  readonly implied?: boolean;
}

/** Files that one run wrote, all in one folder. */
export class RecordedRun {
  readonly folder: string;
  /** What it printed on standard error. */
  readonly stderr: string;

  constructor(folder: string, stderr: string) {
    this.folder = folder;
    this.stderr = stderr;
  }

  get tar(): string {
    return join(this.folder, 'rootfs.tar');
  }

  get hiddenTar(): string {
    return join(this.folder, 'hidden.tar');
  }

  /** Path of a record. */
  record(name: (typeof RECORDS)[number]): string {
    return join(this.folder, name);
  }

  /** The lines of the provenance but the first. */
  async provenance(): Promise<readonly Provenance[]> {
    const [, ...lines] = (await readFile(this.record('provenance'), 'utf8')).trimEnd().split('\n');
    return lines.map((line) => JSON.parse(line));
  }

  /** Everything that was written, by name. */
  async bytes(): Promise<Readonly<Record<string, Buffer>>> {
    const names = ['rootfs.tar', 'hidden.tar', ...RECORDS];
    return Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, await readFile(join(this.folder, name))])),
    );
  }
}

/**
 * Flattens an image with the command line, with both tars and all four records in one run.
 *
 * @param reference with options of its source in front of it, if it needs any
 * @param folder where they go; made if need be
 * @throws if it does not exit with 0
 */
export async function recordImage(
  reference: string | readonly string[],
  folder: string,
  args: readonly string[] = [],
): Promise<RecordedRun> {
  await mkdir(folder, { recursive: true });
  const run = new RecordedRun(folder, '');
  const records = RECORDS.flatMap((name) => [`--${name}`, run.record(name)]);
  const { code, stderr } = await callDimgx(
    ...args,
    '-t',
    run.tar,
    '--hidden-to',
    run.hiddenTar,
    ...records,
    ...[reference].flat(),
  );
  if (code !== 0) throw new Error(`dimgx ended with ${code}: ${stderr}`);
  return new RecordedRun(folder, stderr);
}
