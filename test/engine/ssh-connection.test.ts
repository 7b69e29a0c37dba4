import { chmod, writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { parseEndpoint, type SshEndpoint } from '#dimgx/engine/endpoint.js';
import { SshConnection, sshArguments } from '#dimgx/engine/ssh-connection.js';
import { temporaryFolder } from '../helpers/members.js';

function endpoint(host: string): SshEndpoint {
  return parseEndpoint(host) as SshEndpoint;
}

/** A connection through a shell script that is called ssh. */
async function through(script: string): Promise<SshConnection> {
  const folder = await temporaryFolder();
  await writeFile(`${folder}/ssh`, `#!/bin/sh\n${script}`);
  await chmod(`${folder}/ssh`, 0o755);
  return new SshConnection(endpoint('ssh://me@h:7/run/x'), { PATH: `${folder}:${process.env.PATH}` });
}

describe('a connection by ssh', () => {
  it('asks for what the docker command asks for', () => {
    expect(sshArguments(endpoint('ssh://h'))).toEqual([
      '-o',
      'ConnectTimeout=30',
      '-T',
      '--',
      'h',
      'docker',
      'system',
      'dial-stdio',
    ]);
    expect(sshArguments(endpoint("ssh://me@[::1]:7/a%20b'c"))).toEqual([
      '-o',
      'ConnectTimeout=30',
      '-T',
      '-l',
      'me',
      '-p',
      '7',
      '--',
      '::1',
      'docker',
      '--host',
      "'unix:///a b'\\''c'",
      'system',
      'dial-stdio',
    ]);
  });

  it('carries bytes both ways, to the end of each', async () => {
    const connection = await through('cat; echo end');
    const sent = 'x'.repeat(500_000);
    connection.end(sent);
    expect(await text(connection)).toBe(`${sent}end\n`);
    await connection.ended;
  });

  it('tells the last words of the program when it fails, also after data, in one printable line', async () => {
    const connection = await through('echo data; printf "one\\r\\n\\033[31mtwo\\n" >&2; exit 3');
    await expect(text(connection)).rejects.toThrow(/^one; \\x1b\[31mtwo$/);
    await expect(text(await through('exit 3'))).rejects.toThrow('ssh ended with 3');
    await expect(text(await through('kill -9 $$'))).rejects.toThrow('ssh ended with SIGKILL');
  });

  it('ends the program when it is destroyed, even one that does not want to', async () => {
    const connection = await through('trap "" TERM; echo $$; while :; do sleep 0.1; done');
    const pid = await new Promise<number>((resolve) => connection.once('data', (data) => resolve(Number(data))));
    process.kill(pid, 0);
    connection.destroy();
    await connection.ended;
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });
});
