import fc from 'fast-check';
import { SEED } from './bounds.js';
import { randomStack, type Stack } from './random-stack.js';
import { shownStack } from './shown-stack.js';

/** What is wrong with each of several stacks, one thing a line; nothing where the law holds. */
export type Law = (stacks: readonly Stack[]) => Promise<readonly (readonly string[])[]>;

/**
 * Tries a law on random stacks, several at once.
 *
 * @param numRuns how many in all
 * @param asked what of a random stack the law is about
 * @throws for the first stack that breaks it, made as small as can be: how it does, and the stack as it can be pasted
 */
export async function checkLaw(law: Law, numRuns: number, asked: (stack: Stack) => Stack, atOnce = 40): Promise<void> {
  const stacks = fc.sample(randomStack, { seed: SEED, numRuns });
  for (let from = 0; from < stacks.length; from += atOnce) {
    const wrong = await tried(law, stacks.slice(from, from + atOnce).map(asked));
    const first = wrong.findIndex((lines) => lines.length > 0);
    if (first < 0) continue;
    await shrink(law, asked, String(from + first));
    throw new Error(`${wrong[first]?.join('\n')}\nseed ${SEED}, path "${from + first}", together with others only`);
  }
}

/** What cannot even be tried is wrong, too; alone, so that it can be told which it is. */
async function tried(law: Law, stacks: readonly Stack[]): Promise<readonly (readonly string[])[]> {
  try {
    return await law(stacks);
  } catch (failure) {
    if (stacks.length <= 1) return [[(failure as Error).message]];
    const wrong: (readonly string[])[] = [];
    for (const stack of stacks) wrong.push(...(await tried(law, [stack])));
    return wrong;
  }
}

async function shrink(law: Law, asked: (stack: Stack) => Stack, path: string): Promise<void> {
  const property = fc.asyncProperty(randomStack, async (random) => {
    const [wrong = []] = await tried(law, [asked(random)]);
    if (wrong.length > 0) throw new Error(wrong.join('\n'));
  });
  const { failed, counterexample, errorInstance, counterexamplePath, numShrinks } = await fc.check(property, {
    seed: SEED,
    path,
    numRuns: Number(path) + 1,
  });
  if (!failed) return;
  const how = `seed ${SEED}, path "${counterexamplePath}", made smaller ${numShrinks} times`;
  const stack = shownStack(asked(counterexample?.[0] ?? []).filter((layer) => layer.length > 0));
  throw new Error(`${(errorInstance as Error).message}\n${how}:\n${stack}`, { cause: errorInstance });
}
