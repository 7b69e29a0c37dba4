import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openEngine } from '#dimgx/engine/open-engine.js';
import { makeCertificates } from '../helpers/certificates.js';
import { describeWithEngines, lacks } from '../helpers/engines.js';
import { runCommand } from '../helpers/run-command.js';
import { startTlsDockerEngine, type TlsDockerEngine, tlsEnvironment } from '../helpers/tls-docker-engine.js';

describeWithEngines('Docker over TCP with certificates on both sides', () => {
  describe.skipIf(lacks('openssl'))('(skipped without openssl)', () => {
    let folder: string;
    let docker: TlsDockerEngine;
    let env: Record<string, string>;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'dimgx-tls-'));
      docker = await startTlsDockerEngine();
      env = tlsEnvironment(docker.port, docker.certificates.client);
    });
    afterAll(async () => {
      await docker?.stop();
      await rm(folder, { recursive: true, force: true });
    });

    async function answers(environment: Record<string, string>, host?: string): Promise<string> {
      const engine = await openEngine({ host, env: { HOME: folder, ...environment } });
      try {
        expect(await engine.images()).toEqual([]);
        return engine.location;
      } finally {
        await engine.close();
      }
    }

    /** A copy of the client's certificates without some, and with others instead. */
    async function files(without: readonly string[], instead?: string): Promise<string> {
      const place = await mkdtemp(join(folder, 'files-'));
      await cp(docker.certificates.client, place, { recursive: true });
      if (instead) await cp(instead, place, { recursive: true });
      for (const name of without) await rm(join(place, name));
      return place;
    }

    /** Of another authority. */
    async function strangers(): Promise<string> {
      const place = await mkdtemp(join(folder, 'strangers-'));
      return (await makeCertificates(place)).client;
    }

    const refused = (saying: RegExp) => ({ code: 'DIMGX_ENGINE_TLS', message: expect.stringMatching(saying) });

    it('answers', async () => {
      expect(await answers(env)).toBe(`tcp://127.0.0.1:${docker.port}`);
    });

    it('answers by a context that docker made, with its certificates', async () => {
      const { client } = docker.certificates;
      const config = { DOCKER_CONFIG: join(folder, 'config'), DOCKER_HOST: '' };
      const endpoint = `host=tcp://127.0.0.1:${docker.port},ca=${client}/ca.pem,cert=${client}/cert.pem,key=${client}/key.pem`;
      await runCommand('docker', ['context', 'create', 'secure', '--docker', endpoint], { env: config });
      await runCommand('docker', ['context', 'use', 'secure'], { env: config });
      expect(await answers(config)).toBe(`tcp://127.0.0.1:${docker.port} (context "secure")`);
    });

    it('is not trusted by another authority', async () => {
      const wrong = { ...env, DOCKER_CERT_PATH: await files([], await strangers()) };
      await expect(answers(wrong)).rejects.toMatchObject(refused(/certificate|signature/));
    });

    it('is not trusted under a name that its certificate does not have', async () => {
      await expect(answers(env, `tcp://localhost:${docker.port}`)).rejects.toMatchObject(refused(/altnames/));
    });

    it('is not checked where only TLS is asked for', async () => {
      const { DOCKER_TLS_VERIFY, ...unverified } = env;
      await answers({ ...unverified, DOCKER_TLS: '1', DOCKER_CERT_PATH: await files(['ca.pem']) });
    });

    it('refuses a client without a certificate, or with one of another authority', async () => {
      const without = { ...env, DOCKER_CERT_PATH: await files(['cert.pem', 'key.pem']) };
      await expect(answers(without)).rejects.toMatchObject(refused(/certificate/));
      const place = await files([], await strangers());
      await cp(join(docker.certificates.client, 'ca.pem'), join(place, 'ca.pem'));
      await expect(answers({ ...env, DOCKER_CERT_PATH: place })).rejects.toMatchObject(refused(/certificate|alert/));
    });

    it('is told apart from one that is spoken to without TLS', async () => {
      await expect(answers({}, `tcp://127.0.0.1:${docker.port}`)).rejects.toMatchObject(
        refused(/requires TLS: set DOCKER_TLS_VERIFY/),
      );
    });

    it('is refused with what is no certificate', async () => {
      const broken = await files(['ca.pem']);
      await cp(join(broken, 'key.pem'), join(broken, 'ca.pem'));
      await expect(answers({ ...env, DOCKER_CERT_PATH: broken })).rejects.toMatchObject(refused(/./));
    });

    it('is not an engine that speaks no TLS', async () => {
      const port = await listen(createHttpServer((_, response) => response.end('{"ApiVersion":"1.41"}')));
      await expect(answers(env, `tcp://127.0.0.1:${port}`)).rejects.toMatchObject(
        refused(/that the engine speaks TLS/),
      );
    });

    it('may be another HTTPS server, which is no engine', async () => {
      const { server } = docker.certificates;
      const [cert, key] = await Promise.all(['cert.pem', 'key.pem'].map((name) => readFile(join(server, name))));
      const port = await listen(
        createTlsServer({ cert, key }, (_, response) => response.writeHead(404).end('nothing here')),
      );
      await expect(answers(env, `tcp://127.0.0.1:${port}`)).rejects.toMatchObject({
        code: 'DIMGX_ENGINE_FAILED',
        message: expect.stringContaining('is not a container engine (HTTP 404 to GET /version: nothing here): check'),
      });
    });
  });
});

/** @returns the port of 127.0.0.1, where it listens until the test is over */
async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}
