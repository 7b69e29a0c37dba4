import { chmod, chown } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { lacks } from '../helpers/engines.js';
import { fakeEngine } from '../helpers/fake-engine.js';
import { temporaryFolder } from '../helpers/members.js';
import { publicCopy } from '../helpers/public-copy.js';
import { runCommand } from '../helpers/run-command.js';

/** Tries the hosts in a process that has no power over what belongs to others. */
async function failureOf(...hosts: string[]): Promise<string> {
  const copy = await publicCopy();
  const script = `
    import { openFirst } from '${copy.build}/engine/open-engine.js';
    import { parseEndpoint } from '${copy.build}/engine/endpoint.js';
    const candidates = process.argv.slice(1).map((host) => ({ endpoint: parseEndpoint(host), location: host }));
    await openFirst(candidates, {}).then((engine) => engine.close(), ({ code, message }) => console.log(code, message));
  `;
  const node = [copy.node, '--input-type=module', '--eval', script, '--', ...hosts];
  const { stdout } = await runCommand('setpriv', ['--bounding-set=-dac_override,-dac_read_search', '--', ...node]);
  return stdout.toString();
}

describe.skipIf(lacks('root', 'setpriv'))(
  'a socket that belongs to others (needs root, to give it away, and setpriv)',
  () => {
    test('is told as that, and what to do', async () => {
      const host = await fakeEngine({});
      await chmod(host.slice(7), 0o600);
      expect(await failureOf(host)).toBe('');
      await chown(host.slice(7), 65534, 65534);
      expect(await failureOf(host)).toBe(
        `DIMGX_ENGINE_DENIED this user may not connect to ${host}: run dimgx as root, or as a user in the group of the socket\n`,
      );
    });

    test('is told before those that are not there, and passed over for one that answers', async () => {
      const nowhere = `unix://${await temporaryFolder()}/none`;
      const [host, open] = [await fakeEngine({}), await fakeEngine({})];
      await chown(host.slice(7), 65534, 65534);
      await chmod(host.slice(7), 0o600);
      expect(await failureOf(nowhere, host, nowhere)).toMatch(/^DIMGX_ENGINE_DENIED this user may not connect/);
      expect(await failureOf(nowhere, host, open)).toBe('');
    });
  },
);
