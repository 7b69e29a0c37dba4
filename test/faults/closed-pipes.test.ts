import { describe, expect, test, vi } from 'vitest';
import { few, moments, WITH_MOMENTS } from '../helpers/moments.js';
import { runScript } from '../helpers/run-script.js';
import { sampleImage } from '../helpers/sample-image.js';

vi.setConfig(WITH_MOMENTS);

const LARGE = 2 * 1024 * 1024;
/** What the pipe and the reader's own buffer may still take once the reader has had enough. */
const IN_THE_PIPE = 256 * 1024;

describe('a reader that goes away after any number of bytes ends it with 141 and without a word', () => {
  test.each([
    ['a tar', '-t - "$1"'],
    ['a compressed tar', '-z -t - "$1"'],
    ['a tar named by its device', '-t /dev/stdout "$1"'],
    ['a tar out of a pipe', '-t - - < <(cat "$1")'],
  ])('%s', async (_, args) => {
    const archive = await sampleImage({ large: LARGE });
    for (const bytes of few(moments(LARGE - IN_THE_PIPE)).map(Math.floor)) {
      const script = `dimgx ${args} | head -c ${bytes} | wc -c; echo $PIPESTATUS`;
      const { stdout, stderr } = await runScript(script, archive);
      expect({ stdout: stdout.toString(), stderr }).toEqual({ stdout: `${bytes}\n141\n`, stderr: '' });
    }
  });

  test('a FIFO', async () => {
    const archive = await sampleImage({ large: LARGE });
    for (const bytes of few(moments(LARGE - IN_THE_PIPE)).map(Math.floor)) {
      const script = `folder=$(mktemp -d); mkfifo "$folder/fifo"; head -c ${bytes} "$folder/fifo" | wc -c &
        dimgx -t "$folder/fifo" "$1"; code=$?; wait; echo $code; rm -r "$folder"`;
      const { stdout, stderr } = await runScript(script, archive);
      expect({ stdout: stdout.toString(), stderr }).toEqual({ stdout: `${bytes}\n141\n`, stderr: '' });
    }
  });
});
