import { chmod, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it, test } from 'vitest';
import type { Warning } from '#dimgx/errors.js';
import { type CredentialsRequest, findCredentials } from '#dimgx/registry/credentials/find-credentials.js';
import { temporaryFolder } from '../../helpers/members.js';
import { runCommand } from '../../helpers/run-command.js';

const SECRET = 's3:cr/et';
const LOGIN = { auth: Buffer.from(`me:${SECRET}`).toString('base64') };
const GIVEN = { username: 'me', password: SECRET, identityToken: '', registryToken: '' };

/** A user's environment; all that it names lies in a folder of the test's own, programs too. */
let env: Record<string, string>;
let folder: string;
let warnings: Warning[];

beforeEach(async () => {
  folder = await temporaryFolder();
  env = { PATH: `${folder}/bin:${process.env.PATH}`, HOME: folder, XDG_RUNTIME_DIR: `${folder}/run` };
  warnings = [];
});

async function write(path: string, contents: unknown): Promise<void> {
  await mkdir(join(folder, path, '..'), { recursive: true });
  await writeFile(join(folder, path), typeof contents === 'string' ? contents : JSON.stringify(contents));
}

const dockerHas = (contents: unknown) => write('.docker/config.json', contents);
const podmanHas = (contents: unknown) => write('run/containers/auth.json', contents);

/** A credential helper, a script for the shell. */
async function helper(name: string, script: string): Promise<void> {
  await write(`bin/docker-credential-${name}`, `#!/bin/sh\n${script}\n`);
  await chmod(join(folder, `bin/docker-credential-${name}`), 0o755);
}

async function find(name: string, request: Partial<CredentialsRequest> = {}) {
  const warn = (warning: Warning) => warnings.push(warning);
  const found = await findCredentials({ name, env, first: 'docker', warn, ...request });
  expect(JSON.stringify(warnings)).not.toMatch(/s3:cr|czM6|hush/);
  for (const { message } of warnings) expect(message).toMatch(/^[^\p{Cc}\p{Cf}]{1,1000}$/u);
  return found?.credentials;
}

describe('the credentials for an image', () => {
  it('are none where there are no files', async () => {
    expect(await find('alpine')).toBeUndefined();
    expect(warnings).toEqual([]);
  });

  it.each(['', ' \n', 'null'])('are none in a file that is empty: %j', async (text) => {
    await dockerHas(text);
    expect(await find('alpine')).toBeUndefined();
    expect(warnings).toEqual([]);
  });

  test.each([
    ['alpine', 'https://index.docker.io/v1/'],
    ['docker.io/user/app:1', 'https://index.docker.io/v1/'],
    ['index.docker.io/user/app', 'docker.io'],
    ['alpine', 'index.docker.io'],
    ['h:5000/app', 'h:5000'],
    ['h:5000/app', 'http://h:5000/v2/'],
    ['h:5000/app', 'https://h:5000'],
    ['quay.io/team/app@sha256:ab', 'quay.io/team'],
    ['quay.io/team/app:1', 'quay.io/team/app'],
    ['localhost/app', 'localhost'],
    ['h:5000/team/app', 'https://h:5000/v2/other/app'],
    ['h:5000/app', 'http://h:5000/v1/repositories/'],
    ['h:5000/app', 'HTTPS://h:5000?x=y'],
    ['h:5000/app', 'oci://me@h:5000/any'],
    ['h.example/app', 'https://H.Example/'],
    ['H.Example/app', 'h.example'],
    ['docker.io/user/app', 'https://registry-1.docker.io/v2/'],
    ['1.dkr.ecr.eu.amazonaws.com/app', '*.dkr.ecr.*.amazonaws.com'],
    ['h12.example:5000/team/app', 'https://h*2.example:5000/v2/'],
    ['a.example/team/app', '*.example/team'],
    ['mirror-1.example/app', 'mirror*.example'],
  ])('of %s are those of the key %s', async (name, key) => {
    await dockerHas({ auths: { other: { auth: '!' }, [key]: LOGIN } });
    expect(await find(name)).toEqual(GIVEN);
  });

  test.each([
    ['h:5000/app', 'h'],
    ['h:5000/app', 'h:5000.evil'],
    ['h.evil/app', 'h'],
    ['quay.io/team/app', 'quay.io/tea'],
    ['quay.io/team', 'quay.io/team/app'],
    ['alpine', 'alpine'],
    ['quay.io/app', 'https://index.docker.io/v1/'],
    ['app', '__proto__'],
    ['a.b.example/app', '*.example'],
    ['example/app', '*.example'],
    ['a.example:5000/app', '*.example'],
    ['a.example/app', '*.example:5000'],
    ['a.example.evil/app', '*.example'],
    ['a.example/other/app', '*.example/team'],
    ['evil:5000/a.example', '*.example'],
    ['a.example/app', '*'],
    ['h.example/app', 'https://example/h.example'],
    ['h.example/app', 'https://other@evil/h.example'],
    ['h.example/app', 'https://h.example@evil/'],
  ])('of %s are not those of the key %s', async (name, key) => {
    await dockerHas(`{"auths":{${JSON.stringify(key)}:${JSON.stringify(LOGIN)}}}`);
    expect(await find(name)).toBeUndefined();
  });

  it('are the most specific, and those that docker means before all', async () => {
    await dockerHas({ auths: { 'quay.io': { auth: 'YTpi' }, 'quay.io/team': LOGIN, 'https://quay.io': {} } });
    expect(await find('docker.io/quay.io')).toBeUndefined();
    expect(await find('quay.io/other/app')).toMatchObject({ username: 'a', password: 'b' });
    await dockerHas({ auths: { 'https://quay.io': {}, 'quay.io/team': LOGIN } });
    expect(await find('quay.io/team/app')).toEqual(GIVEN);
  });

  it('are those of a host before those of a pattern, and of patterns the longest', async () => {
    const of = (user: string) => ({ auth: Buffer.from(`${user}:x`).toString('base64') });
    const auths = { '*.example': of('short'), 'mirror-*.example': of('long'), 'mirror-1.example': of('host') };
    await dockerHas({ auths });
    const user = async (name: string) => (await find(name))?.username;
    expect(await user('mirror-1.example/x')).toBe('host');
    expect(await user('mirror-2.example/x')).toBe('long');
    expect(await user('other.example/x')).toBe('short');
  });

  it('are passed from an entry without any to a less specific one', async () => {
    await dockerHas({ auths: { 'h:1/team': {}, 'h:1': null, 'https://h:1/v2/': LOGIN } });
    expect(await find('h:1/team/app')).toEqual(GIVEN);
  });

  test.each([
    ['a byte order mark', `\ufeff{"auths":{"h:1":${JSON.stringify(LOGIN)}}}`],
    ['more behind it', `{"auths":{"h:1":${JSON.stringify(LOGIN)}}} }\nand "so on`],
    ['names in another letter case', { AUTHS: { 'h:1': { Auth: LOGIN.auth } } }],
    ['one name twice', { auths: { 'i:1': LOGIN }, Auths: { 'h:1': { username: 'x', Auth: LOGIN.auth, AUTH: null } } }],
    ['null where there may be text', { auths: { 'h:1': { ...LOGIN, identitytoken: null } }, credsStore: null }],
    ['lines within Base64', { auths: { 'h:1': { auth: `${LOGIN.auth.slice(0, 5)}\r\n${LOGIN.auth.slice(5)}\n` } } }],
    ['Base64 without its padding', { auths: { 'h:1': { auth: LOGIN.auth.replace(/=+$/, '') } } }],
    ['zeros behind the password', { auths: { 'h:1': { auth: Buffer.from(`me:${SECRET}\0\0`).toString('base64') } } }],
  ])('are read from a file with %s, as Go reads it', async (_name, contents) => {
    await dockerHas(contents);
    expect(await find('h:1/x')).toEqual(GIVEN);
    expect(warnings).toEqual([]);
  });

  it('are taken from DOCKER_AUTH_CONFIG before docker’s file, which still counts for other registries', async () => {
    await dockerHas({ auths: { 'h:1': { auth: 'eDp5' }, 'i:1': LOGIN } });
    env.DOCKER_AUTH_CONFIG = JSON.stringify({ auths: { 'https://h:1/v1/': LOGIN } });
    expect([await find('h:1/x'), await find('i:1/x')]).toEqual([GIVEN, GIVEN]);
    env.DOCKER_AUTH_CONFIG = '{"auths": s3:cr';
    expect(await find('h:1/x')).toMatchObject({ username: 'x' });
    expect(warnings).toMatchObject([{ message: expect.stringContaining('from $DOCKER_AUTH_CONFIG: ') }]);
  });

  it('are those of a file that the user names, and of no other', async () => {
    await dockerHas({ auths: { 'h:1': { auth: 'eDp5' }, 'i:1': LOGIN } });
    env.DOCKER_AUTH_CONFIG = JSON.stringify({ auths: { 'i:1': LOGIN } });
    await write('own.json', { auths: { 'h:1': LOGIN } });
    const authFile = `${folder}/own.json`;
    expect([await find('h:1/x', { authFile }), await find('i:1/x', { authFile })]).toEqual([GIVEN, undefined]);
    expect(await find('h:1/x', { authFile: '/dev/null' })).toBeUndefined();
  });

  it('are an error where the file that the user names cannot be read', async () => {
    await write('own.json', '{"auths": s3:cr');
    const refusal = (path: string) =>
      find('h:1/x', { authFile: path }).then(
        () => 'none',
        ({ code, message }) => `${code}: ${message}`,
      );
    expect(await refusal(`${folder}/none`)).toMatch(/^DIMGX_CREDENTIALS_UNREADABLE: .*\/none does not exist$/);
    expect(await refusal(`${folder}/own.json`)).toMatch(
      /^DIMGX_CREDENTIALS_UNREADABLE: [^\n]*\/own\.json is not JSON$/,
    );
    expect(await refusal(folder)).toMatch(/^DIMGX_CREDENTIALS_UNREADABLE: .* is not a regular file$/);
  });

  it('may be tokens, and a name and a password apart', async () => {
    await dockerHas({ auths: { 'a:1': { auth: '', identitytoken: 'hush' }, 'b:1': { registrytoken: 'hush' } } });
    expect(await find('a:1/x')).toEqual({ ...GIVEN, username: '', password: '', identityToken: 'hush' });
    expect(await find('b:1/x')).toEqual({ ...GIVEN, username: '', password: '', registryToken: 'hush' });
    await dockerHas({ auths: { 'a:1': { username: 'me', password: SECRET, email: 'x' } } });
    expect(await find('a:1/x')).toEqual(GIVEN);
  });

  it("are looked for in docker's file and in Podman's, in the engine's own first", async () => {
    const of = (user: string) => ({ auths: { 'h:1': { auth: Buffer.from(`${user}:x`).toString('base64') } } });
    const user = async (first: 'docker' | 'podman') => (await find('h:1/x', { first }))?.username;
    await write('.config/containers/auth.json', of('settings'));
    expect(await user('docker')).toBe('settings');
    await podmanHas(of('runtime'));
    expect(await user('docker')).toBe('runtime');
    await dockerHas(of('docker'));
    expect([await user('docker'), await user('podman')]).toEqual(['docker', 'runtime']);
    env.REGISTRY_AUTH_FILE = `${folder}/elsewhere.json`;
    expect(await user('podman')).toBe('docker');
    await write('elsewhere.json', of('elsewhere'));
    env.DOCKER_CONFIG = `${folder}/none`;
    expect([await user('docker'), await user('podman')]).toEqual(['elsewhere', 'elsewhere']);
    await write('none/config.json', of('configured'));
    expect(await user('docker')).toBe('configured');
  });
});

describe('a credential helper', () => {
  const gives = (user: string, secret = SECRET) =>
    `[ "$1" = get ] && read -r server; echo "{\\"ServerURL\\":\\"$server\\",\\"Username\\":\\"${user}\\",\\"Secret\\":\\"${secret}\\"}"`;

  it('gives those of the registry that it is asked for', async () => {
    await dockerHas({ auths: { 'h:1': {} }, credsStore: 'all' });
    await helper('all', gives('$server'));
    expect(await find('h:1/x')).toEqual({ ...GIVEN, username: 'h:1' });
    expect(await find('alpine')).toEqual({ ...GIVEN, username: 'https://index.docker.io/v1/' });
    expect(warnings).toEqual([]);
  });

  it('may be of one registry alone, or keep a token', async () => {
    await dockerHas({ credsStore: 'all', credHelpers: { 'h:1': 'one', 'docker.io': 'one', 'plain:1': '' } });
    await helper('all', gives('all'));
    await helper('one', gives('<token>', 'hush'));
    const token = { ...GIVEN, username: '', password: '', identityToken: 'hush' };
    expect([await find('h:1/x'), await find('alpine')]).toEqual([token, token]);
    expect(await find('i:1/x')).toMatchObject({ username: 'all' });
    expect(await find('plain:1/x')).toBeUndefined();
  });

  it('may be of all registries that a pattern means', async () => {
    await dockerHas({ credsStore: 'all', credHelpers: { '*.dkr.ecr.*.amazonaws.com': 'one' } });
    await helper('all', gives('all'));
    await helper('one', gives('$server'));
    expect(await find('1.dkr.ecr.eu.amazonaws.com/x')).toMatchObject({ username: '1.dkr.ecr.eu.amazonaws.com' });
    expect(await find('ecr.eu.amazonaws.com/x')).toMatchObject({ username: 'all' });
  });

  test.each([
    ['in another letter case', `printf '{"username":"me","secret":"s3:cr/et"}'`, GIVEN],
    ['with more behind it', `echo '{"Username":"me","Secret":"s3:cr/et"} done'`, GIVEN],
    ['that is empty', 'echo "{}"', undefined],
    ['of null', 'echo null', undefined],
  ])('is understood when it gives an answer %s', async (_name, script, expected) => {
    await dockerHas({ credsStore: 'odd' });
    await helper('odd', script);
    expect(await find('h:1/x')).toEqual(expected);
    expect(warnings).toEqual([]);
  });

  test.each([
    ['that fails', 'echo "error: no keychain"; exit 1', /"docker-credential-bad" ended with 1$/],
    ['that is not there', undefined, /"docker-credential-bad" is not on the PATH$/],
  ])('%s leaves the credentials of the same file', async (_name, script, reason) => {
    await dockerHas({ credHelpers: { 'h:1': 'bad' }, auths: { 'h:1': LOGIN } });
    if (script) await helper('bad', script);
    expect(await find('h:1/x')).toEqual(GIVEN);
    expect(warnings).toMatchObject([{ message: expect.stringMatching(reason) }]);
  });

  test.each([
    [
      'echo "pass not initialized:\tno store"; exit 1',
      'docker-credential-bad reported: pass not initialized: no store',
    ],
    ['printf "\\033[31mno session\\n" >&2; exit 1', 'docker-credential-bad reported: \\x1b[31mno session'],
    ['echo \'{"Username":"me","Secret":"s3:cr/et"}\'; exit 1', undefined],
    ['echo \'level=info got "Secret" : "s3:cr/et"\'; exit 1', undefined],
    ['exit 1', undefined],
  ])('that fails tells why to who asks for it, and no credentials: %s', async (script, expected) => {
    await dockerHas({ credsStore: 'bad' });
    await helper('bad', script);
    const said: string[] = [];
    await find('h:1/x', { inform: (message) => said.push(message) });
    expect(said).toEqual(expected === undefined ? [] : [expected]);
  });

  it('that says a lot is cut', async () => {
    await dockerHas({ credsStore: 'bad' });
    await helper('bad', 'head -c 100000 /dev/zero | tr "\\0" x; exit 1');
    const said: string[] = [];
    await find('h:1/x', { inform: (message) => said.push(message) });
    expect(said[0]).toMatch(/^docker-credential-bad reported: x{250,300}…$/);
  });

  it('that has none is no matter: the files may have them', async () => {
    await dockerHas({ credsStore: 'none', auths: { 'h:1': LOGIN } });
    await helper('none', 'echo "credentials not found in native keychain"; exit 1');
    expect([await find('h:1/x'), await find('i:1/x')]).toEqual([GIVEN, undefined]);
    expect(warnings).toEqual([]);
  });

  test.each([
    ['ends with an error', 'echo hush; echo hush >&2; exit 3', /"docker-credential-bad" ended with 3/],
    ['is killed', 'echo hush; kill -9 $$', /ended with SIGKILL/],
    ['answers nothing', '', /returned no credentials/],
    ['answers with text that is not JSON', 'echo hush', /returned no credentials/],
    ['answers another document', `echo '{"Username":{"a":"hush"}}'`, /returned no credentials/],
    ['never stops answering', 'while :; do echo hush hush hush hush hush hush; done', /returned too much data/],
  ])('that %s is passed over with a warning', async (_name, script, reason) => {
    await helper('bad', script);
    await dockerHas({ credsStore: 'bad' });
    await podmanHas({ auths: { 'h:1': LOGIN } });
    expect(await find('h:1/x')).toEqual(GIVEN);
    expect(warnings).toMatchObject([
      { code: 'DIMGX_CREDENTIALS_SKIPPED', message: expect.stringMatching(reason), count: 1 },
    ]);
  });

  it('that hangs is ended, and so is one that shall be waited for no longer', async () => {
    await helper('slow', `echo $$ > ${folder}/pid; exec sleep 1000`);
    await dockerHas({ credsStore: 'slow' });
    const ended = async () => {
      const pid = await readFile(`${folder}/pid`, 'utf8');
      const state = async () => await readFile(`/proc/${pid.trim()}/stat`, 'utf8').catch(() => ' Z ');
      while (!(await state()).includes(' Z ')) await sleep(5);
      await rm(`${folder}/pid`);
    };
    expect(await find('h:1/x', { timeout: 1000 })).toBeUndefined();
    expect(warnings[0]?.message).toMatch(/did not answer for 1 s$/);
    await ended();
    const aborted = find('h:1/x', { signal: AbortSignal.timeout(1000) });
    await expect(aborted).rejects.toMatchObject({ code: 'DIMGX_ABORTED' });
    expect(warnings).toHaveLength(1);
    await ended();
  });

  test.each([
    ['nowhere', /"docker-credential-nowhere" is not on the PATH/],
    ['plain', /cannot be run: EACCES/],
    ['../x', /is not a valid name/],
    ['-x', /is not a valid name/],
    ['a b', /is not a valid name/],
    ['x\n', /"x\\n" is not a valid name/],
  ])('called %j is not run', async (credsStore, reason) => {
    await write('bin/docker-credential-plain', '#!/bin/sh\n');
    await write('x', `#!/bin/sh\necho '{"Username":"me","Secret":"hush"}'\n`);
    await chmod(join(folder, 'x'), 0o755);
    await dockerHas({ credsStore });
    env.PATH = `${folder}/bin`;
    expect(await find('h:1/x')).toBeUndefined();
    expect(warnings).toMatchObject([{ message: expect.stringMatching(reason) }]);
  });
});

describe('a file of credentials', () => {
  test.each([
    ['is not JSON', `{"auths":{"h:1":{"auth":${LOGIN.auth}}}}`],
    ['is of another shape', { auths: LOGIN.auth }],
    ['has another thing for a helper', { credsStore: { s: SECRET } }],
    ['has another thing for an entry', { auths: { 'h:1': LOGIN.auth } }],
    ['has a number for an entry', { auths: { 'h:1': { auth: 7 } } }],
    ['holds what is no Base64', { auths: { 'h:1': { auth: `${LOGIN.auth}\n!` } } }],
    ['holds no name', { auths: { 'h:1': { auth: Buffer.from(SECRET.slice(2)).toString('base64') } } }],
  ])('that %s is passed over with a warning', async (_name, contents) => {
    await dockerHas(contents);
    await podmanHas({ auths: { 'h:1': LOGIN } });
    expect(await find('h:1/x')).toEqual(GIVEN);
    expect(warnings).toMatchObject([{ message: expect.stringContaining('.docker/config.json') }]);
  });

  it('that is huge, a folder or a FIFO is not read', async () => {
    await dockerHas('');
    await truncate(join(folder, '.docker/config.json'), 2 ** 40);
    await mkdir(join(folder, 'run/containers/auth.json'), { recursive: true });
    await mkdir(join(folder, '.config/containers'), { recursive: true });
    await runCommand('mkfifo', [join(folder, '.config/containers/auth.json')]);
    expect(await find('h:1/x')).toBeUndefined();
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringMatching(/config\.json is larger than \d+ bytes$/),
      expect.stringMatching(/run\/containers\/auth\.json is not a regular file$/),
      expect.stringMatching(/\.config\/containers\/auth\.json is not a regular file$/),
    ]);
  });
});
