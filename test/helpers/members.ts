import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { type Header, pack } from 'tar-stream';
import { onTestFinished } from 'vitest';

/** Contents, or the header of an entry that is not a file. */
export type Member = string | Uint8Array | Partial<Omit<Header, 'name'>>;

/** The members of an archive or a directory, by name, in order. A list of pairs may contain a name twice. */
export type Members = Readonly<Record<string, Member>> | readonly (readonly [string, Member])[];

export function entriesOf(members: Members): readonly (readonly [string, Member])[] {
  return Array.isArray(members) ? members : Object.entries(members);
}

/** A tar archive. All times are 0. */
export async function archiveOf(members: Members): Promise<Buffer> {
  const packer = pack();
  const bytes = buffer(packer);
  for (const [name, member] of entriesOf(members)) {
    const isFile = typeof member === 'string' || member instanceof Uint8Array;
    const header = { name, mtime: new Date(0), ...(isFile ? {} : member) };
    const contents = isFile ? Buffer.from(member as string) : undefined;
    // Without waiting for each one, the packer becomes slower the more there are.
    await new Promise<unknown>((resolve) =>
      contents ? packer.entry(header, contents, resolve) : packer.entry(header, resolve),
    );
  }
  packer.finalize();
  return bytes;
}

/** A folder that is removed when the test is over. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dimgx-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes an archive into a folder that is removed when the test is over. @returns its path */
export async function writeArchive(members: Members, name = 'image.tar'): Promise<string> {
  const path = join(await temporaryFolder(), name);
  await writeFile(path, await archiveOf(members));
  return path;
}

/** Writes the members as an unpacked archive. @returns the folder, which is removed when the test is over */
export async function writeFolder(members: Members): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, member] of entriesOf(members)) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    if (typeof member === 'string' || member instanceof Uint8Array) await writeFile(path, member);
    else if (member.type === 'symlink') await symlink(member.linkname ?? '', path);
    else if (member.type === 'directory') await mkdir(path, { recursive: true });
    else throw new Error(`no ${member.type} in a folder`);
  }
  return folder;
}
