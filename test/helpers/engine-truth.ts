import type { DockerClient } from './docker-client.js';
import { runCommand } from './run-command.js';

/** An image in the output of `docker inspect`. */
export interface InspectedImage {
  readonly Id: string;
  /** Empty if it has none. */
  readonly Parent: string;
  readonly RepoTags: readonly string[];
  readonly Created: string;
  readonly Size: number;
  readonly RootFS: { readonly Layers: readonly string[] };
}

/** A step from the output of `docker history` and from the config written by `docker save`. */
export interface ToldStep {
  /** `<missing>` if the step completes no image. */
  readonly ID: string;
  readonly CreatedAt: string;
  readonly CreatedBy: string;
  readonly Comment: string;
  /** In bytes. */
  readonly Size: string;
  readonly madeLayer: boolean;
}

/** What an engine's own client says about an image; all lists newest first. */
export interface EngineTruth {
  /** The image, its parent and so on. */
  readonly chain: readonly InspectedImage[];
  readonly steps: readonly ToldStep[];
  /** SIZE of each image of the chain in `docker images -a`. */
  readonly sizes: readonly string[];
  /**
   * For each layer, the ID of the image that its step completed, if there is one, or else its diff ID: 64 hex digits.
   */
  readonly layerIds: readonly string[];
}

/** @param archive the image, saved */
export async function engineTruth(docker: DockerClient, image: string, archive: string): Promise<EngineTruth> {
  const chain: InspectedImage[] = [];
  for (let name = image; name !== ''; name = chain.at(-1)?.Parent ?? '') {
    chain.push(JSON.parse(await docker.run('inspect', name))[0]);
  }
  const told = await docker.run('history', '--no-trunc', '--human=false', '--format', '{{json .}}', image);
  const made = await stepsThatMadeLayers(archive);
  const steps = told.split('\n').map((line, i) => ({ ...JSON.parse(line), madeLayer: made[i] }));
  const listed = await docker.run('images', '-a', '--no-trunc', '--format', '{{.ID}} {{.Size}}');
  const sizes = new Map(listed.split('\n').map((line) => line.split(' ') as [string, string]));
  const imageIds = steps.flatMap(({ madeLayer }, i) => (madeLayer ? [chain[i]?.Id] : []));
  const diffIds = chain[0]?.RootFS.Layers.toReversed() ?? [];
  return {
    chain,
    steps,
    sizes: chain.map(({ Id }) => sizes.get(Id) ?? ''),
    layerIds: diffIds.map((diffId, i) => (imageIds[i] ?? diffId).slice(-64)),
  };
}

/** For each step, newest first. */
async function stepsThatMadeLayers(archive: string): Promise<readonly boolean[]> {
  const [{ Config }] = await readMember(archive, 'manifest.json');
  const { history } = await readMember(archive, Config);
  return history.map((step: { empty_layer?: boolean }) => !step.empty_layer).reverse();
}

async function readMember(archive: string, name: string) {
  const { stdout } = await runCommand('tar', ['-xOf', archive, name]);
  return JSON.parse(stdout.toString());
}
