import { type CommandOptions, runCommand, runShell } from './run-command.js';

/** The `docker` command, connected to one engine. */
export class DockerClient {
  readonly #options: CommandOptions;

  constructor(host: string) {
    this.#options = { env: { DOCKER_HOST: host, DOCKER_BUILDKIT: '0' } };
  }

  /** @returns the output of the command */
  async run(...args: string[]): Promise<string> {
    const { stdout } = await runCommand('docker', args, this.#options);
    return stdout.toString().trim();
  }

  /** Runs a shell script in which `docker` uses this engine. */
  async shell(script: string): Promise<{ readonly stderr: string }> {
    return await runShell(script, this.#options);
  }

  /**
   * Loads an archive that holds one image.
   *
   * @param unsaid the image's name, which engines do not print for archives in the format of 2015
   * @returns the name or ID of the image
   */
  async load(archive: string, unsaid?: string): Promise<string> {
    const said = await this.run('load', '-i', archive);
    const [, name] = said.match(/^Loaded image(?: ID)?: (\S+)$/m) ?? [];
    if (name !== undefined) return name;
    if (unsaid === undefined) throw new Error(`docker load said: ${said}`);
    return await this.run('inspect', '--format', '{{.Id}}', unsaid);
  }

  /** Builds with the classic builder, which makes a layer for each step, with the network of this machine. */
  async build(context: string, tag: string): Promise<void> {
    await this.run('build', '--network=host', '-t', tag, context);
  }

  /** The folders of an image's unpacked layers, oldest to newest. */
  async layerFolders(image: string): Promise<string[]> {
    const data = JSON.parse(await this.run('inspect', '--format', '{{json .GraphDriver.Data}}', image));
    const lower: string = data.LowerDir ?? '';
    return [data.UpperDir, ...lower.split(':').filter((path) => path !== '')].reverse();
  }
}
