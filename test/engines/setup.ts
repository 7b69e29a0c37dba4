import type { TestProject } from 'vitest/node';
import { startDockerEngine } from '../helpers/docker-engine.js';
import { missingTools } from '../helpers/engines.js';

/** Starts the engine that all tests of a run share, if this machine can, and ends it after them. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const missing = missingTools();
  try {
    if (missing.length > 0) throw new Error(`this machine lacks ${missing.join(', ')}`);
    const engine = await startDockerEngine();
    project.provide('dockerHost', engine.host);
    project.provide('noEngine', '');
    return () => engine.stop();
  } catch (failure) {
    project.provide('dockerHost', '');
    project.provide('noEngine', (failure as Error).message);
    return undefined;
  }
}
