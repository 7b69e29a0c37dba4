import { printable, quoted } from '../base/text/printable.js';
import type { Engine } from '../engine/engine.js';
import { DimgxError, type Warn } from '../errors.js';
import type { OpenContext } from '../image/open-context.js';
import { formatPlatform, type Platform } from '../image/platform.js';
import { repositoryOf } from '../reference/image-name.js';
import { type FoundCredentials, findCredentials } from '../registry/credentials/find-credentials.js';
import { PullTally } from './pull-tally.js';

/** What an engine is to pull. */
export interface PullRequest {
  /** Without tag and digest `latest` is meant. */
  readonly name: string;
  readonly platform: Platform | undefined;
  readonly warn: Warn;
  readonly inform?: ((message: string) => void) | undefined;
  /** The only file to take credentials from. */
  readonly authFile?: string | undefined;
}

/** How often whoever waits for the engine is told of it, in milliseconds. */
const PERIOD = 500;

/** What registries and engines say to whom they do not know. */
const DENIED = /unauthori[sz]ed|denied|authentication required|no basic auth credentials/i;

/**
 * Has an engine pull an image from its registry, with the credentials that are stored for that.
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

/** Names the image; who is not let in is told what dimgx has shown, and how to log in. */
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
