import { execFileSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openImage } from '#dimgx/source/resolve.js';
import { imageIdOf, layerOf } from '../helpers/built-image.js';
import { docker25Archive, dockerArchive } from '../helpers/docker-archive.js';
import { archiveOf, temporaryFolder, writeArchive, writeFolder } from '../helpers/members.js';
import { OciLayout, ociLayout } from '../helpers/oci-layout.js';
import { opened, refusal } from '../helpers/opened.js';

/** Where no engine listens. */
const NOWHERE = 'unix:///nowhere/docker.sock';

const app = { tags: ['app:1'], layers: [await layerOf({ a: 'one' })] };

/** What this process has open below a folder, files without a name included. */
function openBelow(folder: string): readonly string[] {
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  });
  return targets.filter((target) => target.startsWith(folder));
}

describe('a reference', () => {
  test('may be a path with colons, the longest that exists', async () => {
    const path = await writeArchive(dockerArchive([app]), 'a:b.tar');
    expect((await opened(`docker-archive:${path}`)).source.location).toBe(path);
    expect((await opened(`docker-archive:${path}:app:1`)).id).toBe(imageIdOf(app));
  });

  test('chooses in the same words as the option; at odds with it, it is refused', async () => {
    const path = await writeArchive(dockerArchive([app]));
    expect((await opened(`docker-archive:${path}:app:1`, { image: 'app:1' })).id).toBe(imageIdOf(app));
    expect((await refusal(`docker-archive:${path}:app:1`, { image: 'x' })).code).toBe('DIMGX_REFERENCE_INVALID');
  });

  test.each(['docker-archive', 'oci', 'oci-archive', 'dir'])(
    'to a path of %s that is not there is refused',
    async (transport) => {
      expect((await refusal(`${transport}:${join(await temporaryFolder(), 'x')}`)).code).toBe('DIMGX_SOURCE_NOT_FOUND');
    },
  );

  test.each(['Alpine', 'a b', '-', `a@sha256:${'A'.repeat(64)}`, '@1'])(
    'to a registry by what can be no name is refused: %s',
    async (name) => {
      expect((await refusal(`docker://${name}`)).code).toBe('DIMGX_REFERENCE_INVALID');
    },
  );

  test('to what can be no name is not asked of an engine', async () => {
    for (const path of ['./nothing', '../nothing', '/no/where']) {
      expect((await refusal(path, { host: NOWHERE })).code).toBe('DIMGX_SOURCE_NOT_FOUND');
    }
  });

  test('to what is no path is asked of the engine, and both are told', async () => {
    expect(await refusal('alpine:3.20', { host: NOWHERE })).toMatchObject({
      code: 'DIMGX_ENGINE_UNREACHABLE',
      message: expect.stringMatching(
        /^there is no file or directory "alpine:3\.20"; no container engine answers at unix:/,
      ),
    });
    expect((await refusal('docker-daemon:alpine', { host: NOWHERE })).message).toMatch(/^no container engine/);
  });

  test('to an engine chooses its image by name alone', async () => {
    expect((await refusal('alpine', { host: NOWHERE, image: '@0' })).code).toBe('DIMGX_REFERENCE_INVALID');
  });

  test('is shown without what would drive a terminal', async () => {
    expect((await refusal('./\x1b[2J')).message).toMatch(/^[ -~]+$/);
  });

  test('with a malformed platform is refused', async () => {
    expect((await refusal(await writeArchive(dockerArchive([app])), { platform: 'x' })).code).toBe(
      'DIMGX_OPTION_INVALID',
    );
  });
});

describe('a platform that is asked for', () => {
  test('is what is given, or an error, also where there is no index', async () => {
    for (const path of [await writeArchive(dockerArchive([app])), await writeFolder(ociLayout([app]))]) {
      expect((await opened(path, { platform: 'linux/amd64' })).id).toBe(imageIdOf(app));
      const failure = await refusal(path, { platform: 'linux/s390x' });
      expect(failure).toMatchObject({
        code: 'DIMGX_SOURCE_NO_PLATFORM',
        message: expect.stringContaining('linux/amd64'),
      });
    }
  });

  test('is found in the layout around a manifest.json that names another', async () => {
    const arm = { ...app, config: { architecture: 'arm64' } };
    const layout = new OciLayout();
    const manifests = [
      { ...layout.manifest(app), platform: { os: 'linux', architecture: 'amd64' } },
      { ...layout.manifest(arm), platform: { os: 'linux', architecture: 'arm64' } },
    ];
    const members = { ...docker25Archive([app]), ...layout.top([layout.index(manifests)]) };
    const path = await writeArchive(members);
    expect((await opened(path)).id).toBe(imageIdOf(app));
    expect((await opened(path, { platform: 'linux/arm64' })).id).toBe(imageIdOf(arm));
  });
});

describe('a bare name', () => {
  /** `dimgx NAME` in a folder: what was warned of, and the transport or the error. */
  function openedIn(folder: string, name: string): string {
    const script = `
      import { openImage } from '#dimgx/source/resolve.js';
      const warnings = [];
      const onWarning = ({ code }) => warnings.push(code);
      const tell = (outcome) => console.log([...warnings, outcome].join(' '));
      try { const image = await openImage(process.argv[1], { onWarning }); tell(image.source.transport); await image.close(); }
      catch (error) { tell(error.code); }`;
    const entry = join(import.meta.dirname, '../../build/source/resolve.js');
    const args = ['--input-type=module', '-e', script.replace('#dimgx/source/resolve.js', entry), '--', name];
    return execFileSync(process.execPath, args, {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, DOCKER_HOST: NOWHERE },
    }).trim();
  }

  test('is a file of that name, or a directory that holds an image', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'saved'), await archiveOf(dockerArchive([app])));
    expect(openedIn(folder, 'saved')).toBe('DIMGX_REFERENCE_AMBIGUOUS docker-archive');
    await rename(join(folder, 'saved'), join(folder, 'saved.tar'));
    expect(openedIn(folder, 'saved.tar')).toBe('docker-archive');
    expect(openedIn(folder, './saved.tar')).toBe('docker-archive');
    await rename(await writeFolder(ociLayout([app])), join(folder, 'layout'));
    expect(openedIn(folder, 'layout')).toBe('oci');
    expect(openedIn(folder, './layout')).toBe('oci');
  });

  test('is not a directory that holds none, unless it has a slash', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'alpine'));
    expect(openedIn(folder, 'alpine')).toBe('DIMGX_REFERENCE_AMBIGUOUS DIMGX_ENGINE_UNREACHABLE');
    expect(openedIn(folder, './alpine')).toBe('DIMGX_SOURCE_NOT_AN_IMAGE');
  });

  test('is a directory with an index and no marker beside it, in itself and in its parent too', async () => {
    const { 'oci-layout': _, ...members } = ociLayout([app]);
    const folder = await temporaryFolder();
    await rename(await writeFolder(members), join(folder, 'layout'));
    expect(openedIn(folder, 'layout')).toBe('oci');
    await mkdir(join(folder, 'layout/below'));
    expect(openedIn(join(folder, 'layout'), '.')).toBe('oci');
    expect(openedIn(join(folder, 'layout/below'), '..')).toBe('oci');
  });

  test.each(['.', '..', 'My Images', 'a--', '-'.repeat(3)])(
    'that no image can have is a directory, and no engine is asked: %s',
    async (name) => {
      const folder = join(await temporaryFolder(), 'below');
      await mkdir(folder);
      await mkdir(join(folder, name), { recursive: true });
      expect(openedIn(folder, name)).toBe('DIMGX_SOURCE_NOT_AN_IMAGE');
    },
  );

  test('of a directory that holds no image: it is not said that there is none', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'alpine'));
    const before = process.cwd();
    onTestFinished(() => process.chdir(before));
    process.chdir(folder);
    expect((await refusal('alpine', { host: NOWHERE })).message).toMatch(
      /^the directory "alpine" holds no image; no container engine answers/,
    );
  });
});

describe('an image', () => {
  test('gives everything back when it is closed, as often as it is', async () => {
    for (const reference of [await writeArchive(dockerArchive([app])), await writeFolder(ociLayout([app]))]) {
      const image = await openImage(reference);
      expect(openBelow(dirname(reference))).not.toEqual([]);
      await image.close();
      await image.close();
      expect(openBelow(reference)).toEqual([]);
    }
  });

  test('that is refused leaves nothing open', async () => {
    const { [`blobs/sha256/${imageIdOf(app)}`]: _, ...members } = ociLayout([app]);
    const folder = await writeFolder(members);
    expect((await refusal(folder)).code).toBe('DIMGX_SOURCE_MISSING_BLOB');
    expect(openBelow(folder)).toEqual([]);
    const archive = await writeArchive(members);
    expect((await refusal(archive)).code).toBe('DIMGX_SOURCE_MISSING_BLOB');
    expect(openBelow(archive)).toEqual([]);
  });

  test('is frozen', async () => {
    const image = await opened(await writeArchive(dockerArchive([app])));
    expect(Object.isFrozen(image) && Object.isFrozen(image.layers) && Object.isFrozen(image.layers[0])).toBe(true);
  });

  test('is not opened for a caller that has given up', async () => {
    const path = await writeArchive(dockerArchive([app]));
    expect((await refusal(path, { signal: AbortSignal.abort() })).code).toBe('DIMGX_ABORTED');
    expect(openBelow(path)).toEqual([]);
  });
});
