import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { type Certificates, makeCertificates } from '../helpers/certificates.js';
import { DockerClient } from '../helpers/docker-client.js';
import { describeWithEngines, whyNotHere } from '../helpers/engines.js';
import { Podman } from '../helpers/podman.js';
import { push, type Registry, startRegistry, USER } from '../helpers/registry.js';
import { runCommand } from '../helpers/run-command.js';
import { type Ended, startDimgx } from '../helpers/run-dimgx.js';
import { startTokenServer } from '../helpers/token-server.js';
import { newUser } from '../helpers/user.js';

const FIXTURE = fileURLToPath(new URL('../../fixtures/busybox-docker.tar', import.meta.url));

/** Runs the command line with something on standard input. No output ever tells the password. */
async function dimgx(input: string, ...args: readonly string[]): Promise<Ended> {
  const { process: child, ended } = startDimgx(...args);
  child.stdin.end(input);
  const end = await ended;
  expect(end.stdout + end.stderr).not.toMatch(/s3cret|wrong-word/);
  return end;
}

const login = (host: string, ...args: readonly string[]) =>
  dimgx(`${USER.password}\n`, 'login', '-u', USER.name, '--password-stdin', ...args, host);
const wrongLogin = (host: string, ...args: readonly string[]) =>
  dimgx('wrong-word', 'login', '-u', USER.name, '--password-stdin', ...args, host);

/** A user of docker, or of podman, whose file of credentials is where that program puts it. */
async function userOf(program: 'docker' | 'podman', files: Readonly<Record<string, string>> = {}) {
  const home = await newUser({ ...(program === 'docker' && { '.docker/config.json': '{}' }), ...files });
  vi.stubEnv('REGISTRY_AUTH_FILE', undefined);
  // podman takes the folder of docker's for its own when it is named
  vi.stubEnv('DOCKER_CONFIG', undefined);
  vi.stubEnv('XDG_RUNTIME_DIR', join(home, 'run'));
  await mkdir(join(home, 'run'));
  return { home, file: join(home, program === 'docker' ? '.docker/config.json' : 'run/containers/auth.json') };
}

const absent = whyNotHere('docker-registry', 'skopeo', 'podman', 'docker', 'openssl', 'python3');

describe.skipIf(absent)(`dimgx login and logout${absent}`, () => {
  let registry: Registry;
  let name: string;

  beforeAll(async () => {
    registry = await startRegistry({ auth: 'htpasswd' });
    name = `${registry.host}/tools/box:1`;
    await push(`docker-archive:${FIXTURE}`, name);
  });
  afterAll(() => registry?.stop());

  const skopeo = () => runCommand('skopeo', ['inspect', '--tls-verify=false', `docker://${name}`]);
  const listed = () => dimgx('', '-q', `docker://${name}`);

  it.each(['docker', 'podman'] as const)('store what skopeo, podman and dimgx find: %s', async (program) => {
    const { file } = await userOf(program);
    const podman = await Podman.start();
    try {
      await expect(skopeo()).rejects.toThrow('authentication required');
      expect(await login(registry.host)).toEqual({
        stdout: `logged in to ${registry.host} as ${USER.name}: stored in ${file}\n`,
        stderr: '',
        code: 0,
        signal: null,
      });
      await skopeo();
      expect(await listed()).toMatchObject({ code: 0, stderr: '' });
      await podman.run('pull', '-q', '--tls-verify=false', name);
      const out = `logged out of ${registry.host}: removed from ${file}\n`;
      expect(await dimgx('', 'logout', registry.host)).toMatchObject({ stdout: out, stderr: '', code: 0 });
      await expect(skopeo()).rejects.toThrow('authentication required');
      expect((await listed()).stderr).toContain('DIMGX_REGISTRY_DENIED');
      const none = { stdout: `not logged in to ${registry.host}\n`, stderr: '', code: 0 };
      expect(await dimgx('', 'logout', registry.host)).toMatchObject(none);
    } finally {
      await podman.stop();
    }
  });

  it.each(['docker', 'podman'] as const)('remove what %s login has stored', async (program) => {
    const { file } = await userOf(program);
    const insecure = program === 'podman' ? ['--tls-verify=false'] : [];
    const args = ['login', '-u', USER.name, '--password-stdin', ...insecure, registry.host];
    await runCommand(program, args, { input: Buffer.from(USER.password) });
    expect(await listed()).toMatchObject({ code: 0, stderr: '' });
    expect((await dimgx('', 'logout', registry.host)).stdout).toContain(file);
    expect(Object.keys(JSON.parse(await readFile(file, 'utf8')).auths)).toEqual([]);
    expect((await listed()).stderr).toContain('DIMGX_REGISTRY_DENIED');
  });

  it.each(['docker', 'podman'] as const)('store what %s logout removes', async (program) => {
    const { file } = await userOf(program);
    await login(registry.host);
    await runCommand(program, ['logout', registry.host]);
    expect(JSON.parse(await readFile(file, 'utf8')).auths ?? {}).toEqual({});
  });

  it('use the credential helper that docker is configured with', async () => {
    // skopeo and podman know no program for all registries
    const helpers = JSON.stringify({ credHelpers: { [registry.host]: 'kept' } });
    const { home, file } = await userOf('docker', { '.docker/config.json': helpers });
    const script = `#!/bin/sh
      case $1 in
        store) cat > "$HOME/kept" ;;
        get) cat "$HOME/kept" 2>&- || { echo "credentials not found in native keychain"; exit 1; } ;;
        erase) rm "$HOME/kept" ;;
        list) echo '{}' ;;
      esac`;
    await mkdir(join(home, 'bin'));
    await writeFile(join(home, 'bin/docker-credential-kept'), script);
    await chmod(join(home, 'bin/docker-credential-kept'), 0o755);
    vi.stubEnv('PATH', `${home}/bin:${process.env.PATH}`);
    expect((await login(registry.host)).stdout).toMatch(/ stored in docker-credential-kept\n$/);
    expect(await readFile(file, 'utf8')).not.toContain('"auth"');
    await skopeo();
    expect(await listed()).toMatchObject({ code: 0, stderr: '' });
    await runCommand('docker', ['logout', registry.host]);
    await expect(readFile(join(home, 'kept'))).rejects.toThrow('ENOENT');
    const args = ['login', '-u', USER.name, '--password-stdin', registry.host];
    await runCommand('docker', args, { input: Buffer.from(USER.password) });
    expect((await dimgx('', 'logout', registry.host)).stdout).toContain(file);
    await expect(readFile(join(home, 'kept'))).rejects.toThrow('ENOENT');
  });

  it('store nothing that the registry does not accept', async () => {
    const { file } = await userOf('podman');
    const { stdout, stderr, code } = await wrongLogin(registry.host);
    expect({ stdout, code }).toEqual({ stdout: '', code: 2 });
    expect(stderr).toMatch(/^dimgx: DIMGX_REGISTRY_DENIED: cannot get a login from http:.*401.*\n$/);
    await expect(readFile(file)).rejects.toThrow('ENOENT');
    expect((await login('127.0.0.1:1')).stderr).toMatch(/^dimgx: DIMGX_REGISTRY_UNREACHABLE: /);
  });

  it('take one line end off a password that is piped, and a registry that is written like an image', async () => {
    await userOf('podman');
    const piped = (input: string) =>
      dimgx(input, 'login', '-u', USER.name, '--password-stdin', `docker://${registry.host}`);
    for (const end of ['', '\n', '\r\n']) {
      expect(await piped(`${USER.password}${end}`)).toMatchObject({ code: 0, stderr: '' });
      expect((await dimgx('', 'logout', `docker://${registry.host}`)).stdout).toMatch(/^logged out of 127/);
    }
    for (const end of ['\n\n', '\r\n\r\n', '\r', ' \n']) {
      expect((await piped(`${USER.password}${end}`)).stderr).toMatch(
        /DIMGX_REGISTRY_DENIED: cannot get a login.*HTTP 401/,
      );
    }
  });

  it('remove those for all registries at once', async () => {
    const { file } = await userOf('docker');
    const other = JSON.stringify({ auths: { 'quay.io/team': { auth: 'eDp5' } }, x: 1 });
    await writeFile(file, other);
    await login(registry.host);
    const out = [registry.host, 'quay.io/team'].map((key) => `logged out of ${key}: removed from ${file}\n`);
    const { stdout, stderr, code } = await dimgx('', 'logout', '--all');
    expect({ lines: stdout.match(/.*\n/g)?.sort(), stderr, code }).toEqual({ lines: out, stderr: '', code: 0 });
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ auths: {}, x: 1 });
    expect((await dimgx('', 'logout', '--all')).stdout).toBe('not logged in to any registry\n');
    expect((await dimgx('', 'logout', '--all', registry.host)).code).toBe(1);
    vi.stubEnv('DOCKER_AUTH_CONFIG', other);
    expect((await dimgx('', 'logout', '--all')).stderr).toMatch(
      /CREDENTIALS_SHADOWED: \$DOCKER_AUTH_CONFIG may still hold/,
    );
    expect((await login(registry.host)).stderr).toBe('');
  });

  it('say that other credentials are found before those that were stored', async () => {
    const { home } = await userOf('docker', {
      '.docker/config.json': JSON.stringify({ auths: { [registry.host]: { auth: 'eDp5' } } }),
    });
    vi.stubEnv('REGISTRY_AUTH_FILE', join(home, 'own.json'));
    const { stdout, stderr, code } = await login(registry.host);
    expect({ stdout, code }).toEqual({ stdout: expect.stringContaining('own.json'), code: 0 });
    expect(stderr).toMatch(
      /^dimgx: warning: DIMGX_CREDENTIALS_SHADOWED: .*\.docker\/config\.json: log out of .* to remove all\n$/,
    );
    expect(await login(registry.host, '--authfile', join(home, 'other.json'))).toMatchObject({ code: 0, stderr: '' });
    await runCommand('skopeo', [
      'inspect',
      '--tls-verify=false',
      '--authfile',
      join(home, 'other.json'),
      `docker://${name}`,
    ]);
  });

  it('ask for the name and the password at a terminal, and do not show the password', async () => {
    const { file } = await userOf('podman');
    const said = await atTerminal([`${USER.name}\r`, `x\x7f${USER.password}\r`], 'login', registry.host);
    expect(said).toBe(
      `Username: ${USER.name}\nPassword: \nlogged in to ${registry.host} as ${USER.name}: stored in ${file}\n[0]`,
    );
    await skopeo();
    expect(await atTerminal(['\x03'], 'login', '-u', 'x', registry.host)).toBe('Password: \n[-2]');
    expect(await atTerminal(['\x04'], 'login', '-u', 'x', registry.host)).toMatch(
      /^Password: \ndimgx: DIMGX_USAGE: .*\n\[1\]$/,
    );
  });

  it('ask nobody where there is no terminal', async () => {
    for (const args of [
      ['login'],
      ['login', '-u', 'x'],
      ['login', '--password-stdin'],
      ['login', 'a.b', 'c.d'],
      ['logout', 'a.b', 'c.d'],
    ]) {
      const { stderr, code } = await dimgx('wrong-word', ...args);
      expect({ args, code }).toEqual({ args, code: 1 });
      expect(stderr).toMatch(/^dimgx: DIMGX_USAGE: .*: see dimgx log(in|out) --help\n$/);
    }
    expect((await dimgx('', 'login', '-u', 'x', '--password-stdin', 'a.b')).stderr).toMatch(/the password is empty/);
    expect((await dimgx('x', 'login', '-u', 'a:b', '--password-stdin', 'a.b')).stderr).toMatch(/contain a colon/);
    expect((await dimgx('x', 'login', '-u', 'a', '--password-stdin', 'quay')).stderr).toMatch(/REFERENCE_INVALID/);
  });

  describe('of other registries', () => {
    let folder: string;
    let certificates: Certificates;

    beforeAll(async () => {
      folder = await mkdtemp(`${tmpdir()}/dimgx-certificates-`);
      certificates = await makeCertificates(folder);
    });
    afterAll(() => rm(folder, { recursive: true }));

    it('check TLS, with an authority of the user’s', async () => {
      await userOf('podman');
      const secure = await startRegistry({ auth: 'htpasswd', tls: certificates.server });
      try {
        expect((await login(secure.host)).stderr).toMatch(/DIMGX_REGISTRY_TLS/);
        const ca = ['--ca-file', `${certificates.server}/ca.pem`];
        expect(await login(secure.host, ...ca)).toMatchObject({ code: 0, stderr: '' });
        expect(await login(secure.host, '--insecure')).toMatchObject({ code: 0, stderr: '' });
        expect((await wrongLogin(secure.host, ...ca)).stderr).toMatch(/REGISTRY_DENIED/);
      } finally {
        await secure.stop();
      }
    });

    it('check a password by the server of their tokens', async () => {
      await userOf('podman');
      const tokens = await startTokenServer(certificates.server);
      const guarded = await startRegistry({ auth: tokens });
      try {
        expect(await login(guarded.host)).toMatchObject({ code: 0, stderr: '' });
        expect((await wrongLogin(guarded.host)).stderr).toMatch(/REGISTRY_DENIED: .* does not accept the credentials/);
      } finally {
        await guarded.stop();
        await tokens.stop();
      }
    });
  });

  describeWithEngines('with a Docker Engine', () => {
    it('store what docker pull uses', async () => {
      await userOf('docker');
      const docker = new DockerClient(inject('dockerHost'));
      await expect(docker.run('pull', '-q', name)).rejects.toThrow(/no basic auth credentials/);
      await login(registry.host);
      await docker.run('pull', '-q', name);
      await docker.run('rmi', name);
    });
  });
});

const TERMINAL = `
import os, pty, sys, time, json
typed, command = json.loads(sys.argv[1]), sys.argv[2:]
pid, fd = pty.fork()
if pid == 0: os.execvp(command[0], command)
said = b''
while True:
    try: piece = os.read(fd, 1000)
    except OSError: break
    if not piece: break
    said += piece
    if said.endswith(b': ') and typed:
        time.sleep(0.3)
        os.write(fd, typed.pop(0).encode())
_, status = os.waitpid(pid, 0)
sys.stdout.write(said.decode() + '[%d]' % os.waitstatus_to_exitcode(status))
`;

/** Runs the command line at a terminal. @returns all that it shows, and in brackets the exit code, or the signal */
function atTerminal(typed: readonly string[], ...args: readonly string[]): Promise<string> {
  const command = ['-c', TERMINAL, JSON.stringify(typed), process.execPath, 'bin/dimgx.js', ...args];
  return new Promise((resolve, reject) => {
    execFile('python3', command, { env: { ...process.env, TERM: 'dumb' } }, (failure, stdout) =>
      failure ? reject(failure) : resolve(stdout.replace(/\r+\n/g, '\n')),
    );
  });
}
