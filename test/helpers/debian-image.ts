import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DockerClient } from './docker-client.js';
import { runCommand } from './run-command.js';

const SUITE = 'bookworm';

/**
 * The comment above each layer says what it tests. The second name of perl is a hard link. The tar stores the bytes
 * under the name that is removed, so a flattener that drops that entry also loses the file that stays.
 */
const DOCKERFILE = `FROM dimgx/minbase
ENV DEBIAN_FRONTEND=noninteractive
# ten thousand entries more or less, certificates linked by hash, a setgid program
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates openssh-client
# a program with a file capability, and directories of older layers that get new entries
RUN apt-get install -y --no-install-recommends libcap2-bin iputils-ping python3-minimal
# opaque: removed and made again in one layer
RUN rm -r /usr/share/doc && mkdir -m 2755 /usr/share/doc && date > /usr/share/doc/when && rm -r /var/lib/apt/lists
RUN rm /usr/bin/perl
# types change: a symlink becomes a directory, a directory a symlink, a file a symlink
RUN rm /etc/alternatives/README && ln -s ../passwd /etc/alternatives/README \\
 && rm /var/run && mkdir /var/run && touch /var/run/here && rm -r /media && ln -s mnt /media
CMD ["/bin/bash"]
`;

/**
 * Builds an image of realistic size with the classic builder. Takes a minute; the packages come from this machine's
 * mirror.
 */
export async function buildDebianImage(docker: DockerClient, folder: string, tag: string): Promise<void> {
  const rootfs = join(folder, 'minbase.tar');
  const options = (await aptOptions()).map((option) => `--aptopt=${option}`);
  await runCommand('mmdebstrap', ['--variant=minbase', ...options, SUITE, rootfs, ...(await mirrors())]);
  await docker.run('import', rootfs, 'dimgx/minbase');
  await rm(rootfs);
  const context = join(folder, 'context');
  await mkdir(context);
  await writeFile(join(context, 'Dockerfile'), DOCKERFILE);
  await docker.build(context, tag);
}

/** Where this machine gets Debian's packages from. If nothing is found, the default of mmdebstrap applies. */
async function mirrors(): Promise<string[]> {
  const wanted = ['Created-By: Packages', `Codename: ${SUITE}`, 'Origin: Debian'];
  const { stdout } = await runCommand('apt-get', ['indextargets', '--format', '$(REPO_URI)', ...wanted]);
  const uris = new Set(
    stdout
      .toString()
      .split('\n')
      .filter((uri) => uri !== ''),
  );
  return [...uris].map((uri) => `deb ${uri} ${SUITE} main`);
}

/**
 * The proxies, and the tolerance for wrong clocks, that apt needs on this machine and therefore also inside the image.
 */
async function aptOptions(): Promise<string[]> {
  const { stdout } = await runCommand('apt-config', ['dump']);
  return stdout
    .toString()
    .split('\n')
    .filter((line) => /^Acquire::(Check-|https?::|Retries)/.test(line));
}
