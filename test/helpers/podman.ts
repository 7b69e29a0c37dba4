import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeTree } from './remove-tree.js';
import { runCommand } from './run-command.js';
import { listTree, type Tree } from './tree.js';

/** Podman with images of its own, in a temporary folder. */
export class Podman {
  readonly #folder: string;
  readonly #driver: string;

  readonly #options: readonly string[];

  private constructor(folder: string, driver: string, options: readonly string[]) {
    this.#options = options;
    this.#folder = folder;
    this.#driver = driver;
  }

  /** @param options in front of each command */
  static async start(driver: 'overlay' | 'vfs' = 'overlay', options: readonly string[] = []): Promise<Podman> {
    return new Podman(await mkdtemp(join(tmpdir(), 'dimgx-podman-')), driver, options);
  }

  /** Where its images are. */
  get root(): string {
    return `${this.#folder}/root`;
  }

  async run(...args: string[]): Promise<string> {
    const own = ['--root', this.root, '--runroot', `${this.#folder}/run`, `--storage-driver=${this.#driver}`];
    const { stdout } = await runCommand('podman', [...own, ...this.#options, ...args]);
    return stdout.toString().trim();
  }

  /** Loads an archive that holds one image. @returns its name or ID */
  async load(archive: string): Promise<string> {
    const said = await this.run('load', '-q', '-i', archive);
    const [, name] = said.match(/^Loaded image(?:\(s\))?: (\S+)$/m) ?? [];
    if (name === undefined) throw new Error(`podman load said: ${said}`);
    return name;
  }

  /** The tree of an image, as mounted by Podman; it stays mounted until `stop`. */
  async listImage(image: string): Promise<Tree> {
    return await listTree(await this.run('image', 'mount', image));
  }

  /** Removes an image. */
  async remove(image: string): Promise<void> {
    await this.run('image', 'unmount', '--force', image);
    await this.run('rmi', '-f', image);
  }

  stop(): Promise<void> {
    return removeTree(this.#folder);
  }
}
