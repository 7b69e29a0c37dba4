import { chmod, chown, lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it, test } from 'vitest';
import { findCredentials } from '#dimgx/registry/credentials/find-credentials.js';
import { removeLogin, storeLogin } from '#dimgx/registry/credentials/login.js';
import { removeAllLogins } from '#dimgx/registry/credentials/remove-all-logins.js';
import { whyNotHere } from '../../helpers/engines.js';
import { temporaryFolder } from '../../helpers/members.js';

const LOGIN = { username: 'me', password: 's3:cr/et' };
const AUTH = { auth: Buffer.from('me:s3:cr/et').toString('base64') };
const HUB = 'https://index.docker.io/v1/';

/** A user's environment; all that it names lies in a folder of the test's own, programs too. */
let env: Record<string, string>;
let folder: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  env = { PATH: `${folder}/bin:${process.env.PATH}`, HOME: folder, XDG_RUNTIME_DIR: `${folder}/run`, STORE: folder };
});

const store = (registry: string, authFile?: string) => storeLogin(LOGIN, { registry, env, authFile });
const remove = (registry: string, authFile?: string) => removeLogin({ registry, env, authFile });

async function write(path: string, contents: unknown): Promise<string> {
  const full = join(folder, path);
  await mkdir(dirname(full), { recursive: true });
  await writeFile(full, typeof contents === 'string' ? contents : JSON.stringify(contents));
  return full;
}

const text = (path: string) => readFile(join(folder, path), 'utf8');
const document = async (path: string) => JSON.parse(await text(path));
const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

async function find(registry: string) {
  const found = await findCredentials({
    name: `${registry}/x`,
    env,
    first: 'docker',
    warn: () => expect.unreachable(),
  });
  return found?.credentials;
}

/** A credential helper that keeps what it is told in files, and writes down what it was asked for. */
async function helper(name: string): Promise<void> {
  const script = `#!/bin/sh
    echo "$1" >> "$STORE/asked"
    case $1 in
      store) cat > "$STORE/kept" ;;
      get) read -r server; grep -s "\\"$server\\"" "$STORE/kept" && exit; echo "credentials not found in native keychain"; exit 1 ;;
      erase) cat > "$STORE/erased"; rm -f "$STORE/kept" ;;
    esac`;
  await chmod(await write(`bin/docker-credential-${name}`, script), 0o755);
}

describe('where credentials are stored', () => {
  const podmans = { auths: { 'h:1': AUTH } };

  it("is docker's file, where docker has one", async () => {
    const path = await write('.docker/config.json', '{"currentContext": "x"}');
    await write('run/containers/auth.json', {});
    expect(await store('docker.io')).toEqual({ path, helper: undefined });
    expect(await document('.docker/config.json')).toEqual({ currentContext: 'x', auths: { [HUB]: AUTH } });
    expect(await find('docker.io')).toMatchObject(LOGIN);
  });

  it("is podman's, where docker has none", async () => {
    expect(await store('docker.io')).toEqual({ path: join(folder, 'run/containers/auth.json'), helper: undefined });
    expect(await document('run/containers/auth.json')).toEqual({ auths: { 'docker.io': AUTH } });
    expect(await find('docker.io')).toMatchObject(LOGIN);
    expect(await readdir(folder)).toEqual(['run']);
  });

  it('is the one that REGISTRY_AUTH_FILE names, before all', async () => {
    await write('.docker/config.json', {});
    env.REGISTRY_AUTH_FILE = join(folder, 'own/auth.json');
    await store('h:1');
    expect(await document('own/auth.json')).toEqual(podmans);
    expect(await document('.docker/config.json')).toEqual({});
  });

  it("is docker's that DOCKER_CONFIG names, though it is not there yet", async () => {
    env.DOCKER_CONFIG = join(folder, 'own');
    await store('docker.io');
    expect(await document('own/config.json')).toEqual({ auths: { [HUB]: AUTH } });
  });

  it('is the one that is asked for, in the form that its name tells', async () => {
    await store('docker.io', join(folder, 'a/config.json'));
    await store('docker.io', join(folder, 'a/other.json'));
    expect(await document('a/config.json')).toEqual({ auths: { [HUB]: AUTH } });
    expect(await document('a/other.json')).toEqual({ auths: { 'docker.io': AUTH } });
  });

  it("is podman's lasting one, where that is there already or none can be made for running programs", async () => {
    await write('.config/containers/auth.json', {});
    await store('h:1');
    expect(await document('.config/containers/auth.json')).toEqual(podmans);
    env.HOME = join(folder, 'other');
    await writeFile(join(folder, 'file'), '');
    env.XDG_RUNTIME_DIR = join(folder, 'file');
    await store('h:1');
    expect(await document('other/.config/containers/auth.json')).toEqual(podmans);
  });

  it('is a program, when the file names one: for the registry, or for all', async () => {
    await helper('all');
    await helper('one');
    const path = await write('.docker/config.json', { credsStore: 'all', credHelpers: { 'h:1': 'one' } });
    expect(await store('h:1')).toEqual({ path, helper: 'one' });
    expect(await store('docker.io')).toEqual({ path, helper: 'all' });
    expect(await document('kept')).toEqual({ ServerURL: HUB, Username: 'me', Secret: LOGIN.password });
    expect((await document('.docker/config.json')).auths).toEqual({ 'h:1': {}, [HUB]: {} });
    expect(await find('docker.io')).toMatchObject(LOGIN);
  });

  it("is no program for all of podman's, which knows none", async () => {
    await helper('all');
    await helper('one');
    await write('run/containers/auth.json', {
      credsStore: 'all',
      credHelpers: { 'h:1': 'one' },
      auths: { 'h:1': AUTH },
    });
    await store('h:1');
    await store('i:1');
    expect((await document('run/containers/auth.json')).auths).toEqual({ 'i:1': AUTH });
    expect(await text('asked')).toBe('store\n');
  });
});

describe('a file of credentials', () => {
  it('keeps what dimgx knows nothing of, its order, indentation and end', async () => {
    const before =
      '{\n  "z": {"__proto__": [1, {"a": null}]},\n  "auths": {\n    "q.io/team": {"auth": "eDp5"}\n  },\n  "b": 1\n}';
    await write('.docker/config.json', before);
    await store('q.io');
    const entry = `,\n    "q.io": {\n      "auth": "${AUTH.auth}"\n    }`;
    const spread = JSON.stringify(JSON.parse(before), null, 2).replace(/("eDp5"\n {4}\})/, `$1${entry}`);
    expect(await text('.docker/config.json')).toBe(spread);
  });

  it('is indented as docker and podman do it when it is new', async () => {
    await store('h:1');
    expect(await text('run/containers/auth.json')).toBe(
      `{\n\t"auths": {\n\t\t"h:1": {\n\t\t\t"auth": "${AUTH.auth}"\n\t\t}\n\t}\n}\n`,
    );
  });

  it('has one entry for a registry afterwards, and others for its parts', async () => {
    const old = { 'https://h:1': {}, 'http://h:1/v2/': {}, 'h:1/team': AUTH, 'h:11': {}, [HUB]: {}, 'docker.io': {} };
    await write('.docker/config.json', { auths: old });
    await store('h:1');
    await store('docker.io');
    expect(Object.keys((await document('.docker/config.json')).auths)).toEqual(['h:1/team', 'h:11', HUB, 'h:1']);
  });

  it('is private, though the old one was not, and stays where a symlink leads', async () => {
    const real = await write('dotfiles/docker.json', '{}');
    await chmod(real, 0o664);
    await mkdir(join(folder, '.docker'));
    await symlink('../dotfiles/docker.json', join(folder, '.docker/config.json'));
    await store('h:1');
    expect((await lstat(join(folder, '.docker/config.json'))).isSymbolicLink()).toBe(true);
    expect(await modeOf(real)).toBe(0o600);
    expect(await readdir(dirname(real))).toEqual(['docker.json']);
  });

  it('that is new is private, and so is its folder', async () => {
    const umask = process.umask(0);
    try {
      await store('h:1');
      expect(await modeOf(join(folder, 'run/containers'))).toBe(0o700);
      expect(await modeOf(join(folder, 'run/containers/auth.json'))).toBe(0o600);
    } finally {
      process.umask(umask);
    }
  });

  it.skipIf(whyNotHere('root'))(`stays its owner's, as with sudo${whyNotHere('root')}`, async () => {
    const path = await write('.docker/config.json', '{}');
    await chown(path, 1234, 1235);
    await store('h:1');
    expect(await stat(path)).toMatchObject({ uid: 1234, gid: 1235 });
  });

  test.each(['{', '"s3cret"', '{"auths": "s3cret"}', '{"auths": {"h:1": '])(
    'that is broken is left as it is: %s',
    async (broken) => {
      await write('.docker/config.json', broken);
      const refusal = expect.objectContaining({ code: 'DIMGX_CREDENTIALS_UNWRITABLE' });
      await expect(store('h:1')).rejects.toEqual(refusal);
      await expect(remove('h:1')).rejects.toEqual(refusal);
      const message = await store('h:1').catch(({ message }) => message);
      expect(message).toMatch(/\/\.docker\/config\.json: /);
      expect(message).not.toContain('s3c');
      expect(await text('.docker/config.json')).toBe(broken);
      expect(await readdir(join(folder, '.docker'))).toEqual(['config.json']);
    },
  );

  it('that holds a list is left as it is', async () => {
    await write('.docker/config.json', '[]');
    await expect(store('h:1')).rejects.toMatchObject({ code: 'DIMGX_CREDENTIALS_UNWRITABLE' });
    expect(await text('.docker/config.json')).toBe('[]');
  });

  test.each(['', ' \n', 'null'])('that is empty is a new one: %j', async (empty) => {
    await write('.docker/config.json', empty);
    await store('h:1');
    expect(await document('.docker/config.json')).toEqual({ auths: { 'h:1': AUTH } });
  });

  it('is not touched when the program fails, and the message tells no secret', async () => {
    await write('.docker/config.json', { credsStore: 'bad' });
    await chmod(await write('bin/docker-credential-bad', '#!/bin/sh\ncat\ncat >&2; exit 3'), 0o755);
    const message = await store('h:1').catch((error) => `${error.code} ${error.message} ${error.cause}`);
    expect(message).toMatch(/^DIMGX_CREDENTIALS_UNWRITABLE .*"docker-credential-bad" ended with 3/);
    expect(message).not.toContain(LOGIN.password);
    expect(await document('.docker/config.json')).toEqual({ credsStore: 'bad' });
  });
});

describe('credentials are removed', () => {
  it('from all files that have them, and from no other', async () => {
    const other = { 'i:1': AUTH, 'h:1/team': AUTH };
    const docker = await write('.docker/config.json', { a: 1, auths: { 'https://h:1': AUTH, ...other } });
    const running = await write('run/containers/auth.json', { auths: { 'h:1': AUTH } });
    const lasting = await write('.config/containers/auth.json', { auths: other });
    const before = await stat(lasting);
    expect(await remove('h:1')).toEqual([docker, running]);
    expect(await document('.docker/config.json')).toEqual({ a: 1, auths: other });
    expect(await document('run/containers/auth.json')).toEqual({ auths: {} });
    expect((await stat(lasting)).ino).toBe(before.ino);
    expect(await find('h:1')).toBeUndefined();
    expect(await remove('h:1')).toEqual([]);
  });

  it('from the file that is asked for alone', async () => {
    const auths = { 'docker.io': AUTH };
    const own = await write('own.json', { auths });
    await write('run/containers/auth.json', { auths });
    expect(await remove('docker.io', own)).toEqual([own]);
    expect(await document('run/containers/auth.json')).toEqual({ auths });
  });

  it('from the program that keeps them', async () => {
    await helper('all');
    const path = await write('.docker/config.json', { credsStore: 'all' });
    await store('docker.io');
    expect(await remove('docker.io')).toEqual([path]);
    expect(await text('erased')).toBe(HUB);
    expect(await document('.docker/config.json')).toEqual({ credsStore: 'all', auths: {} });
    expect(await remove('docker.io')).toEqual([]);
    expect(await find('docker.io')).toBeUndefined();
  });

  it('from the program that a pattern names, which stored them', async () => {
    await helper('all');
    const path = await write('.docker/config.json', { credHelpers: { '*.example': 'all' } });
    expect(await store('h.example')).toEqual({ path, helper: 'all' });
    expect(await document('kept')).toMatchObject({ ServerURL: 'h.example' });
    expect(await find('h.example')).toMatchObject(LOGIN);
    expect(await remove('h.example')).toEqual([path]);
    expect(await text('erased')).toBe('h.example');
  });

  it('from a file that has another letter case for them, which stays', async () => {
    await write('.docker/config.json', { Auths: { 'h:1': AUTH }, x: 1, AUTHS: { 'i:1': AUTH } });
    await store('j:1');
    expect(await document('.docker/config.json')).toEqual({ Auths: { 'h:1': AUTH, 'i:1': AUTH, 'j:1': AUTH }, x: 1 });
    await remove('i:1');
    expect(await document('.docker/config.json')).toEqual({ Auths: { 'h:1': AUTH, 'j:1': AUTH }, x: 1 });
  });

  it('all at once, from all files and programs', async () => {
    await helper('all');
    await helper('one');
    const docker = await write('.docker/config.json', {
      a: 1,
      credsStore: 'all',
      auths: { 'h:1/team': AUTH, [HUB]: {} },
    });
    const podman = await write('run/containers/auth.json', { auths: { 'h:1': AUTH } });
    await store('docker.io');
    await remove('docker.io', join(folder, 'none.json'));
    const { removed, failures } = await removeAllLogins({ env });
    expect(failures).toEqual([]);
    expect(removed).toEqual([
      { key: 'h:1/team', path: docker },
      { key: HUB, path: docker },
      { key: 'h:1', path: podman },
    ]);
    expect(await text('erased')).toBe(HUB);
    expect(await document('.docker/config.json')).toEqual({ a: 1, credsStore: 'all', auths: {} });
    expect(await document('run/containers/auth.json')).toEqual({ auths: {} });
    expect(await removeAllLogins({ env })).toEqual({ removed: [], failures: [] });
  });

  it('all at once, of what a program lists though no file names it', async () => {
    const script = `#!/bin/sh
      case $1 in
        list) echo '{"x.example":"me","h:1":"me"}' ;;
        get) read -r server; grep -qsx "$server" "$STORE/gone" && { echo credentials not found in native keychain; exit 1; }
          echo '{"Username":"me","Secret":"x"}' ;;
        erase) read -r server; echo "$server" >> "$STORE/gone" ;;
      esac`;
    await chmod(await write('bin/docker-credential-listing', script), 0o755);
    const path = await write('.docker/config.json', { credsStore: 'listing' });
    const { removed } = await removeAllLogins({ env });
    expect(removed).toEqual([
      { key: 'x.example', path },
      { key: 'h:1', path },
    ]);
    expect(await text('gone')).toBe('x.example\nh:1\n');
  });

  it('all at once, as far as it goes: what is broken is told, and no other place is spared', async () => {
    await write('.docker/config.json', { credHelpers: { 'x:1': 'bad' }, auths: { 'h:1': AUTH } });
    await chmod(await write('bin/docker-credential-bad', '#!/bin/sh\nexit 3'), 0o755);
    await write('run/containers/auth.json', '{');
    await write('.config/containers/auth.json', { auths: { 'i:1': AUTH } });
    const { removed, failures } = await removeAllLogins({ env });
    expect(removed.map(({ key }) => key)).toEqual(['h:1', 'i:1']);
    expect(failures).toMatchObject([
      {
        code: 'DIMGX_CREDENTIALS_UNWRITABLE',
        message: expect.stringContaining('"docker-credential-bad" ended with 3'),
      },
      { code: 'DIMGX_CREDENTIALS_UNWRITABLE', message: expect.stringContaining('run/containers/auth.json') },
    ]);
    expect(await text('run/containers/auth.json')).toBe('{');
  });

  it('where there are none, nothing is made', async () => {
    expect(await remove('h:1')).toEqual([]);
    expect(await readdir(folder)).toEqual([]);
  });
});
