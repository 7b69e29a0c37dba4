import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, it, test } from 'vitest';
import { DockerClient } from '../helpers/docker-client.js';
import { engineProxy, type Fault } from '../helpers/engine-proxy.js';
import { describeWithEngines } from '../helpers/engines.js';
import { temporaryFolder } from '../helpers/members.js';
import { runCommand } from '../helpers/run-command.js';
import { type Ended, runDimgx, startDimgx } from '../helpers/run-dimgx.js';

const FIXTURE = fileURLToPath(new URL('../../fixtures/busybox-docker.tar', import.meta.url));
const BUILT = 'localhost:5000/tools/built:1.0';
const MIDDLE = 'middle:here';

const DOCKERFILE = `FROM dimgx/busybox:docker
ENV A=1
RUN echo one > /one
RUN echo two > /two && rm /one
ENV B=2
RUN true
CMD ["sh"]
`;

describeWithEngines('an image of a Docker Engine', () => {
  const host = inject('dockerHost');
  const docker = new DockerClient(host);
  const chain: string[] = [];
  let context = '';
  let archive = '';
  let digest = '';

  const dimgx = (...args: string[]) => runDimgx('--host', host, ...args);
  const flattened = async (...args: string[]) => {
    const folder = await temporaryFolder();
    const ended = await dimgx('-t', `${folder}/out.tar`, ...args);
    expect(ended).toMatchObject({ code: 0, stderr: '', stdout: '' });
    return sha256(await readFile(`${folder}/out.tar`));
  };
  const ofArchive = async (...args: string[]) => {
    const folder = await temporaryFolder();
    const ended = await runDimgx('-t', `${folder}/out.tar`, ...args, archive);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    return sha256(await readFile(`${folder}/out.tar`));
  };

  beforeAll(async () => {
    context = await mkdtemp(join(tmpdir(), 'dimgx-context-'));
    await writeFile(`${context}/Dockerfile`, DOCKERFILE);
    await docker.load(FIXTURE);
    await docker.build(context, BUILT);
    const ids = (await docker.run('history', '-q', '--no-trunc', BUILT)).split('\n').map((id) => id.slice(-64));
    chain.push(...ids.reverse());
    await docker.run('tag', chain.at(-5) as string, MIDDLE);
    archive = `${context}/built.tar`;
    await docker.run('save', '-o', archive, BUILT);
    digest = (await docker.run('inspect', '--format', '{{.Id}}', BUILT)).slice(-64);
  });

  afterAll(() => rm(context, { recursive: true, force: true }));

  it('is flattened to the bytes that its archive gives, by whatever name', async () => {
    const expected = await ofArchive();
    const names = [BUILT, `docker-daemon:${BUILT}`, digest, digest.slice(0, 12), `sha256:${digest.slice(0, 20)}`];
    for (const name of names) expect(await flattened(name)).toBe(expected);
    expect(await flattened('--no-verify', BUILT)).toBe(expected);
    expect(await flattened('--threads', '1', BUILT)).toBe(expected);
  });

  it('is listed as docker history lists it, and is not saved for that', async () => {
    const proxy = await engineProxy(host);
    const { stdout, stderr, code } = await runDimgx('--host', proxy.host, BUILT);
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    expect(proxy.asked.filter((path) => path.includes('/get'))).toEqual([]);
    const rows = stdout.trimEnd().split('\n').slice(1);
    const format = '{{.ID}}|{{.Size}}|{{.CreatedBy}}';
    const steps = (await docker.run('history', '--no-trunc', '--format', format, BUILT)).split('\n');
    expect(rows).toHaveLength(steps.length);
    for (const [i, step] of steps.entries()) {
      const [id = '', size = '', command = ''] = step.split('|');
      const row = rows[i] as string;
      if (id !== '<missing>') expect(row.slice(0, 60)).toContain(id.slice(7, 19));
      if (size !== '0B') expect(row.replace(/ (k?M?)B/g, '$1B')).toContain(size);
      expect(row.replace(/\s+/g, '')).toContain(command.replace(/\s+/g, '').slice(0, 60));
    }
    expect(rows[0]).toMatch(new RegExp(`^${BUILT} +${digest.slice(0, 12)} +${chain.at(-2)?.slice(0, 12)} `));
    expect(rows[4]).toMatch(new RegExp(`^${MIDDLE} +${chain.at(-5)?.slice(0, 12)} `));
    expect(rows[6]).toMatch(/^dimgx\/busybox:docker /);
  });

  it('gives layers by IDs and tags of its chain, and rows that made no layer give none', async () => {
    const list = async (...specs: string[]) =>
      (await dimgx('-q', ...specs.flatMap((spec) => ['-l', spec]), BUILT)).stdout;
    const short = (at: number) => `${chain.at(at)?.slice(0, 12)}\n`;
    expect(await list(MIDDLE)).toBe(short(-5));
    expect(await list(chain.at(-5) as string, chain.at(-4) as string)).toBe(`${short(-4)}${short(-5)}`);
    expect(await list(`${MIDDLE}:${BUILT}`)).toBe(`${short(-4)}${short(-5)}`);
    const env = await dimgx('-q', '-l', chain.at(-3) as string, BUILT);
    expect(env.stdout).toBe('');
    expect(env.stderr).toMatch(/^dimgx: warning: DIMGX_LAYER_NONE_SELECTED: .*\n$/);
  });

  it('has only the lowest image saved that holds what is selected', async () => {
    const proxy = await engineProxy(host);
    const folder = await temporaryFolder();
    const { code, stderr } = await runDimgx('--host', proxy.host, '-l', MIDDLE, '-t', `${folder}/out.tar`, BUILT);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(proxy.asked.filter((path) => path.endsWith('/get'))).toEqual([`/images/${chain.at(-5)}/get`]);
    const { stdout } = await runCommand('tar', ['-tf', `${folder}/out.tar`]);
    expect(stdout.toString()).toBe('one\n');
  });

  it('is flattened the same when the engine refuses to list its images', async () => {
    const proxy = await engineProxy(host, { path: /^\/images\/json/, after: 0, kind: 'fail' });
    for (const name of [BUILT, digest]) {
      const folder = await temporaryFolder();
      const run = await runDimgx('--host', proxy.host, '-t', `${folder}/out.tar`, name);
      expect(run).toMatchObject({ code: 0, stderr: '' });
      expect(sha256(await readFile(`${folder}/out.tar`))).toBe(await ofArchive());
    }
  });

  it('that is not there is one line, which says what to do', async () => {
    const { code, stderr, stdout } = await dimgx('-t', '-', 'nosuch:image');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(
      /^dimgx: DIMGX_SOURCE_NO_SUCH_IMAGE: there is no file or directory "nosuch:image"; .* has no image "nosuch:image"; --pull=missing .*\n$/,
    );
  });

  it('whose ID begins like others is one line that lists them', async () => {
    const ids = (await docker.run('images', '-aq', '--no-trunc')).split('\n').map((id) => id.slice(7));
    const common = ids.map((id) => id[0] as string).find((digit, i, all) => all.indexOf(digit) < i);
    if (common === undefined) return;
    const { code, stderr } = await dimgx('-t', '-', common);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^dimgx: DIMGX_SOURCE_AMBIGUOUS: [^\n]*; [^\n]*\n$/);
  });

  it('of another platform is refused', async () => {
    const { code, stderr } = await dimgx('--platform', 'linux/s390x', '-t', '-', BUILT);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^dimgx: DIMGX_SOURCE_NO_PLATFORM: [^\n]* for linux\/amd64, not for linux\/s390x[^\n]*\n$/);
  });

  describe('through an engine that fails', () => {
    const save = /^\/images\/[0-9a-f]+\/get$/;
    const documents = [/^\/images\/[^/]+\/json/, /^\/images\/[^/]+\/history/, /^\/version/];
    const faults: readonly [string, Fault][] = [
      ...[0, 1, 700, 100_000, 1_500_000].flatMap((after): [string, Fault][] => [
        [`cut after ${after} bytes of the image`, { path: save, after, kind: 'cut' }],
        [`ending after ${after} bytes of the image`, { path: save, after, kind: 'end' }],
      ]),
      ['sending other bytes', { path: save, after: 0, kind: 'garbage' }],
      ['sending other bytes in the middle', { path: save, after: 5000, kind: 'garbage' }],
      ['answering 500 instead of the image', { path: save, after: 0, kind: 'fail' }],
      ...[/^\/images\/json/, ...documents].flatMap((path): [string, Fault][] => [
        [`cut in ${path.source}`, { path, after: 10, kind: 'cut' }],
        [`with garbage in ${path.source}`, { path, after: 10, kind: 'garbage' }],
      ]),
      ...documents.map((path): [string, Fault] => [
        `answering 500 to ${path.source}`,
        { path, after: 0, kind: 'fail' },
      ]),
    ];

    test.each(faults)('%s: one coded line, and nothing is left', async (_, fault) => {
      const proxy = await engineProxy(host, fault);
      const folder = await temporaryFolder();
      const [targets, tmp] = [`${folder}/targets`, `${folder}/tmp`];
      await Promise.all([mkdir(targets), mkdir(tmp)]);
      const run = await runDimgx('--host', proxy.host, '--tmp-dir', tmp, '-t', `${targets}/out.tar`, BUILT);
      expect(run.stderr).toMatch(
        /^dimgx: DIMGX_(ENGINE_FAILED|SOURCE_NOT_AN_IMAGE|TAR_[A-Z_]+|IMAGE_[A-Z_]+|SOURCE_MISSING_BLOB): [^\n]*\n$/,
      );
      expect({ code: run.code, stdout: run.stdout }).toEqual({ code: 2, stdout: '' });
      expect([...(await readdir(targets)), ...(await readdir(tmp))]).toEqual([]);
    });

    test.each(['SIGINT', 'SIGTERM'] as const)('by a stall: %s ends it, and nothing is left', async (signal) => {
      const proxy = await engineProxy(host, { path: save, after: 100_000, kind: 'stall' });
      const folder = await temporaryFolder();
      const [targets, tmp] = [`${folder}/targets`, `${folder}/tmp`];
      await Promise.all([mkdir(targets), mkdir(tmp)]);
      const run = startDimgx('--host', proxy.host, '--tmp-dir', tmp, '-t', `${targets}/out.tar`, BUILT);
      await proxy.reached(save, 100_000);
      run.process.kill(signal);
      const ended: Ended = await run.ended;
      expect(ended).toMatchObject({ code: null, signal, stdout: '', stderr: '' });
      expect([...(await readdir(targets)), ...(await readdir(tmp))]).toEqual([]);
    });
  });
});

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
