import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';

const MODULE = new URL('../../build/cli/with-signals.js', import.meta.url).href;

/** Runs the body of `work`, which has `signal` and `say`, and waits until it has said `ready`. */
async function startWork(body: string) {
  const child = spawn(process.execPath, [
    '--input-type=module',
    '--eval',
    `import { withSignals } from '${MODULE}';
     const say = (text) => process.stdout.write(text);
     setInterval(() => {}, 1000);
     await withSignals(async (signal) => { ${body} });
     say('over');
     process.exit(7);`,
  ]);
  const said: string[] = [];
  child.stdout.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) =>
    child.on('close', (code, signal) => resolve({ code, signal })),
  );
  await once(child.stdout, 'data');
  return { child, said, ended };
}

const UNTIL_ABORTED = `const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve)); say('ready');`;

describe.skipIf(process.platform === 'win32')('a signal', () => {
  test('waits for the work to clean up, then kills by itself', async () => {
    const { child, said, ended } = await startWork(
      `${UNTIL_ABORTED} await aborted; await new Promise((resolve) => setTimeout(resolve, 50)); say(' cleaned');`,
    );
    child.kill('SIGTERM');
    expect(await ended).toEqual({ code: null, signal: 'SIGTERM' });
    expect(said.join('')).toBe('ready cleaned');
  });

  test('kills also when the work fails of it', async () => {
    const { child, ended } = await startWork(`${UNTIL_ABORTED} await aborted; throw new Error('cancelled');`);
    child.kill('SIGHUP');
    expect(await ended).toEqual({ code: null, signal: 'SIGHUP' });
  });

  test('kills at once when it is the second', async () => {
    const { child, said, ended } = await startWork(
      `${UNTIL_ABORTED} await aborted; say(' aborted'); await new Promise(() => {});`,
    );
    child.kill('SIGINT');
    await once(child.stdout, 'data');
    child.kill('SIGINT');
    expect(await ended).toEqual({ code: null, signal: 'SIGINT' });
    expect(said.join('')).toBe('ready aborted');
  });
});

test('work that no signal meets goes on to its end', async () => {
  const { said, ended } = await startWork(`say('ready ');`);
  expect(await ended).toEqual({ code: 7, signal: null });
  expect(said.join('')).toBe('ready over');
});
