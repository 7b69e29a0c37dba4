import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Engine } from '#dimgx/engine/engine.js';
import { openEngine } from '#dimgx/engine/open-engine.js';
import { bytesOf } from '../helpers/bytes-of.js';
import { freePort } from '../helpers/daemon.js';
import { DockerClient } from '../helpers/docker-client.js';
import { describeWithEngines, lacks } from '../helpers/engines.js';
import { runCommand } from '../helpers/run-command.js';
import { type SshClient, type SshServer, startSshServer } from '../helpers/ssh-server.js';

describeWithEngines('Docker on another machine, by ssh', () => {
  describe.skipIf(lacks('sshd', 'ssh', 'ssh-keygen'))('(skipped without sshd)', () => {
    const socket = inject('dockerHost').replace('unix://', '');
    let server: SshServer;

    beforeAll(async () => {
      server = await startSshServer(inject('dockerHost'));
      await new DockerClient(inject('dockerHost')).load('fixtures/busybox-docker.tar');
    });
    afterAll(() => server?.stop());

    async function open(path = '', client: SshClient = {}, signal?: AbortSignal): Promise<Engine> {
      const env = { ...process.env, DOCKER_HOST: 'unix:///nowhere', PATH: await server.clientPath(client) };
      return await openEngine({ host: `ssh://${server.user}@127.0.0.1:${server.port}${path}`, env, signal });
    }

    async function expectClientsGone(): Promise<void> {
      for (const pid of await server.clients()) expect(() => process.kill(pid, 0), `${pid}`).toThrow('ESRCH');
    }

    it('answers, and no ssh is left when it is closed', async () => {
      const engine = await open();
      try {
        expect(engine.location).toBe(`ssh://${server.user}@127.0.0.1:${server.port}`);
        expect((await engine.images()).flatMap(({ repoTags }) => repoTags)).toContain('dimgx/busybox:docker');
        expect(await engine.inspect('dimgx/none')).toBeUndefined();
        expect((await server.clients()).length).toBe(1);
        const archive = await bytesOf(await engine.save('dimgx/busybox:docker'));
        expect(archive.length).toBeGreaterThan(2_000_000);
      } finally {
        await engine.close();
      }
      await expectClientsGone();
    });

    it('answers at a socket that is named, whatever docker there would find', async () => {
      const engine = await open(socket);
      expect(engine.location).toBe(`ssh://${server.user}@127.0.0.1:${server.port}${socket}`);
      expect(await engine.inspect('dimgx/busybox:docker')).toBeDefined();
      await engine.close();
      await expect(open("/no/such%20'$(id)'socket")).rejects.toMatchObject({
        code: 'DIMGX_ENGINE_UNREACHABLE',
        message: expect.stringContaining("/no/such '$(id)'socket"),
      });
      await expectClientsGone();
    });

    it('is not spoken to when its host key is not known', async () => {
      await expect(open('', { isKnownHost: false })).rejects.toMatchObject({
        code: 'DIMGX_ENGINE_UNREACHABLE',
        message: expect.stringContaining('Host key verification failed'),
      });
      await expectClientsGone();
    });

    it('may refuse the user', async () => {
      await expect(open('', { isKnownUser: false })).rejects.toMatchObject({
        code: 'DIMGX_ENGINE_DENIED',
        message: expect.stringContaining('Permission denied (publickey)'),
      });
    });

    it('may share one connection whose master stays behind', async () => {
      const control = `ControlPath /tmp/dimgx-ssh-${process.pid}`;
      const shared = ['ControlMaster auto', control, 'ControlPersist yes'];
      const engine = await open('', { options: shared });
      expect(await engine.inspect('dimgx/none')).toBeUndefined();
      await engine.close();
      await expect(open('/none', { options: shared })).rejects.toMatchObject({
        code: 'DIMGX_ENGINE_UNREACHABLE',
        message: expect.stringContaining('/none'),
      });
      await runCommand('ssh', ['-o', control, '-O', 'exit', '127.0.0.1']);
    });

    it('is left at once when the work is cancelled', async () => {
      const controller = new AbortController();
      const engine = await open('', { options: ['LogLevel QUIET'] }, controller.signal);
      const archive = await engine.save('dimgx/busybox:docker');
      controller.abort();
      await expect(bytesOf(archive)).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
      await engine.close();
      await expectClientsGone();
    });
  });

  it.skipIf(lacks('ssh'))('needs a server there (skipped without ssh)', async () => {
    const host = `ssh://127.0.0.1:${await freePort()}`;
    await expect(openEngine({ host })).rejects.toMatchObject({
      code: 'DIMGX_ENGINE_UNREACHABLE',
      message: expect.stringContaining('Connection refused'),
    });
  });

  it('needs the ssh program', async () => {
    await expect(openEngine({ host: 'ssh://127.0.0.1:1', env: { PATH: '/nonexistent' } })).rejects.toMatchObject({
      code: 'DIMGX_ENGINE_UNREACHABLE',
      message: expect.stringContaining('the ssh program cannot be run'),
    });
  });
});
