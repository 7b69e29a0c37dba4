import { printable, quoted } from '../base/text/printable.js';
import type { Engine } from '../engine/engine.js';
import { DimgxError, type Warn } from '../errors.js';
import type { OpenContext } from '../image/open-context.js';
import { formatPlatform, type Platform } from '../image/platform.js';
import { repositoryOf } from '../reference/image-name.js';
import { type FoundCredentials, findCredentials } from '../registry/credentials/find-credentials.js';
import { PullTally } from './pull-tally.js';

/** What an engine should pull. */
export interface PullRequest {
  /** Means `latest` if it has neither tag nor digest. */
  readonly name: string;
  readonly platform: Platform | undefined;
  readonly warn: Warn;
  readonly inform?: ((message: string) => void) | undefined;
  /** The only file to read credentials from. */
  readonly authFile?: string | undefined;
}

/** Time between progress reports while the engine works, in milliseconds. */
const PERIOD = 500;

/** Matches messages of registries and engines that deny access. */
const DENIED = /unauthori[sz]ed|denied|authentication required|no basic auth credentials/i;

/**
 * Has an engine pull an image from its registry, with the credentials that are stored for that registry.
 *
 * @throws DIMGX_SOURCE_ENGINE_FAILED, DIMGX_SOURCE_ENGINE_DENIED, DIMGX_ABORTED
 */
export async function pullImage(
  engine: Engine,
  { name, platform, warn, inform, authFile }: PullRequest,
  { signal, onProgress }: OpenContext,
): Promise<void> {
  const found = await findCredentials({
    ...{ name, authFile, env: process.env, first: engine.nameStyle },
    ...{ warn, inform, signal },
  });
  const tally = new PullTally(name);
  const tell = () => onProgress?.(tally.progress());
  tell();
  const timer = setInterval(tell, PERIOD);
  try {
    await engine.pull(name, {
      ...(platform && { platform: formatPlatform(platform) }),
      credentials: found?.credentials,
      onProgress: (report) => {
        tally.add(report);
        tell();
      },
    });
    for (const progress of tally.finished()) onProgress?.(progress);
  } catch (failure) {
    throw explained(failure, engine, name, found);
  } finally {
    clearInterval(timer);
  }
}

/**
 * Adds the name of the image to the error. If access was denied, adds which credentials dimgx sent, or how to log in.
 */
function explained(failure: unknown, engine: Engine, name: string, found: FoundCredentials | undefined): unknown {
  if (!(failure instanceof DimgxError) || failure.code === 'DIMGX_ABORTED') return failure;
  const registry = printable(repositoryOf(name).registry, 200);
  const shown = found
    ? `: the credentials of ${found.origin} were shown`
    : `: \`${engine.nameStyle} login ${registry}\` stores credentials`;
  const advice = DENIED.test(failure.message) ? shown : '';
  const message = `${quoted(name)} cannot be pulled: ${failure.message}${advice}`;
  return failure.retold(message);
}
