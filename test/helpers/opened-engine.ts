import { expect, onTestFinished } from 'vitest';
import type { Engine } from '#dimgx/engine/engine.js';
import { type EngineOptions, openEngine } from '#dimgx/engine/open-engine.js';
import { type Answers, fakeEngine } from './fake-engine.js';

/** Short, for servers that do not answer. */
export const TIMEOUTS = { connect: 300, answer: 300, idle: 300 };

/** Opens a fake engine until the test is over. */
export async function openFake(answers: Answers, options: EngineOptions = {}): Promise<Engine> {
  return await opened(await openEngine({ host: await fakeEngine(answers), ...options }));
}

/** Closes the engine when the test is over. */
export async function opened(engine: Engine): Promise<Engine> {
  onTestFinished(() => engine.close());
  return engine;
}

/** The code of the error. Also checks that its message is one printable line. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  const failure = await work.then(
    () => expect.unreachable(),
    (error) => error,
  );
  expect(failure.message).toMatch(/^[^\p{Cc}\p{Cf}]{1,2000}$/u);
  return failure.code;
}
