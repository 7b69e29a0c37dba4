import { printable, quoted, shellWord } from '../../base/text/printable.js';
import { CODECS, detectCompression } from '../../compression/codecs.js';
import { readStart } from '../../compression/packed-region.js';
import { DimgxError } from '../../errors.js';
import { Documents } from '../form/documents.js';
import type { Form } from '../form/form.js';
import { FORM_MARKS, FORMS, transportOf } from '../form/forms.js';
import type { Files } from './files.js';
import { flatAlready, rootNames } from './foreign-file.js';

/**
 * Limits of the search for an image: depth of the folders, number of folders, and number of files that may be archives.
 */
const MAX_DEPTH = 3;
const MAX_FOLDERS = 64;
const MAX_FILES = 20;
/** Number of names that a message lists. */
const MAX_LISTED = 3;

/** Extensions of compressed archives in one word, without the dot: `tgz`. */
const SHORT = Object.values(CODECS).flatMap(({ extensions }) =>
  extensions.flatMap((it) => /^\.(t.*)/.exec(it)?.[1] ?? []),
);
/** How archives are named: `image.tar`, `image.tar.gz`, `image.tgz`. */
const ARCHIVE_NAME = new RegExp(`\\.(tar|oci|t[a-z]z2?|${SHORT.join('|')})(\\.[a-z0-9]+)?$`, 'i');

const BUILD = 'build the image, and give dimgx its name or a saved archive';

/** Other things that users give to dimgx, by what is at their top. */
const OTHERS: readonly { readonly top: readonly string[]; readonly what: string }[] = [
  {
    top: ['overlay2', 'image'],
    what: "is Docker's own storage: write docker-root:DIR, or save the image with docker save -o FILE NAME",
  },
  {
    top: ['overlay-images'],
    what: "is Podman's own storage: write containers-storage:[DIR]NAME, or save the image with podman save -o FILE NAME",
  },
  {
    top: ['io.containerd.content.v1.content'],
    what: "is containerd's own storage: write containerd-root:DIR, or export the image with ctr images export FILE NAME",
  },
  { top: ['rootfs', 'config.json'], what: 'is a bundle for a runtime: its folder "rootfs" is flat already' },
  { top: ['rootfs', 'metadata.yaml'], what: 'is an image of LXC or Incus: its folder "rootfs" is flat already' },
  { top: ['blobs'], what: 'has blobs, but no index.json and no manifest.json: save or copy the image again' },
  { top: ['sha256'], what: 'is the folder of blobs of an image: give dimgx the directory around it' },
  { top: ['layer.tar', 'json'], what: 'is a single layer of an image: give dimgx the directory around it' },
  { top: ['Dockerfile'], what: `is a build context: ${BUILD}` },
  { top: ['Containerfile'], what: `is a build context: ${BUILD}` },
];

/**
 * The error for an archive or a directory without an image in its proper place. It says what is there and what to do.
 *
 * @param tried the forms that were tried
 */
export async function notAnImage(documents: Documents, tried: readonly Form[]): Promise<DimgxError> {
  return new DimgxError('DIMGX_SOURCE_NOT_AN_IMAGE', await explanation(documents, tried));
}

async function explanation(documents: Documents, tried: readonly Form[]): Promise<string> {
  const { files } = documents;
  const { location, isArchive } = files;
  const names = (await files.topNames()).filter((name) => name !== '');
  if (names.length === 0) {
    return isArchive
      ? `${location} is an archive without any file: nothing was saved into it`
      : `${location} is an empty directory: no image is in it`;
  }
  const form = await formOf(
    documents,
    FORMS.filter((form) => !tried.includes(form)),
  );
  if (form) return otherForm(form, files);
  const roots = rootNames(names);
  if (roots > 1) return rootFilesystem(files);
  const folders = await foldersWithImage(files, names);
  if (folders.length > 0) return inFolder(folders, files);
  const archives = await archivesAmong(names, files);
  if (archives.length > 0) return inArchive(archives, files);
  const isLayer = names.some((name) => name.startsWith('.wh.'));
  if (roots > 0 || isLayer) return rootFilesystem(files);
  const other = OTHERS.find(({ top }) => top.every((name) => names.includes(name)));
  if (other) return `${location} ${other.what}`;
  const flat = isArchive ? '; if it is a root filesystem already, as from docker export, extract it with tar' : '';
  return `${location} holds no image: it has none of ${FORM_MARKS.slice(0, -1).join(', ')} and ${FORM_MARKS.at(-1)} at its top, but ${listed(names)}${flat}`;
}

function otherForm(form: Form, files: Files): string {
  const { location } = files;
  return `${location} holds an image in a different form than its prefix says: write ${transportOf(form, files)}:${location}, or the path alone`;
}

function rootFilesystem({ location, isArchive }: Files): string {
  if (isArchive) return flatAlready(location);
  return `${location} is a root filesystem (rootfs), not an image: it is flat and unpacked already`;
}

function inFolder(folders: readonly string[], { location, isArchive }: Files): string {
  const [folder = ''] = folders;
  const what = `${location} holds no image at its top, but in its ${folders.length > 1 ? 'folders' : 'folder'} ${listed(folders)}`;
  if (!isArchive) return `${what}: use dimgx ${shellWord(printable(`${location}/${folder}`))}`;
  return `${what}: unpack it with tar -xf, and use dimgx ${shellWord(printable(`./${folder}`))}`;
}

function inArchive(archives: readonly string[], { location, isArchive }: Files): string {
  const [archive = ''] = archives;
  const what = `${location} is not an image, but holds ${archives.length > 1 ? 'archives' : 'an archive'}, ${listed(archives)}`;
  if (!isArchive) return `${what}: use dimgx ${shellWord(printable(`${location}/${archive}`))}`;
  return `${what}: unpack it with tar -xf, and use dimgx ${shellWord(printable(`./${archive}`))}`;
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, MAX_LISTED).map(quoted).join(', ');
  return names.length > MAX_LISTED ? `${shown} and ${names.length - MAX_LISTED} more` : shown;
}

/** The first form that fits the files. Files that cannot be read fit none. */
async function formOf(documents: Documents, forms: readonly Form[]): Promise<Form | undefined> {
  for (const form of forms) if (await form.recognises(documents).catch(() => false)) return form;
  return undefined;
}

/** The folders nearest to the top that hold an image. */
async function foldersWithImage(files: Files, names: readonly string[]): Promise<readonly string[]> {
  let left = MAX_FOLDERS;
  let level = (await files.foldersIn?.('')) ?? names;
  for (let depth = 1; depth <= MAX_DEPTH && level.length > 0 && left > 0; depth += 1) {
    const looked = level.slice(0, left);
    left -= looked.length;
    const found: string[] = [];
    for (const folder of looked) if (await formOf(new Documents(folderOf(files, folder)), FORMS)) found.push(folder);
    if (found.length > 0) return found;
    const deeper = looked.map(async (folder) => {
      const inside = (await files.foldersIn?.(folder)) ?? [];
      return inside.map((name) => `${folder}/${name}`);
    });
    level = (await Promise.all(deeper)).flat();
  }
  return [];
}

function folderOf(files: Files, folder: string): Files {
  return {
    location: files.location,
    isArchive: files.isArchive,
    topNames: async () => [],
    open: (name) => files.open(`${folder}/${name}`),
  };
}

/** Files at the top that begin like an archive: those named like one, or the only file. */
async function archivesAmong(names: readonly string[], files: Files): Promise<readonly string[]> {
  const called = names.filter((name) => ARCHIVE_NAME.test(name));
  const found: string[] = [];
  for (const name of (called.length > 0 ? called : names.slice(0, names.length === 1 ? 1 : 0)).slice(0, MAX_FILES)) {
    if (await isArchiveFile(name, files).catch(() => false)) found.push(name);
  }
  return found;
}

async function isArchiveFile(name: string, files: Files): Promise<boolean> {
  const file = await files.open(name);
  if (!file) return false;
  try {
    const head = await readStart(file.region, 512);
    return detectCompression(head) !== 'none' || head.toString('latin1', 257, 262) === 'ustar';
  } finally {
    await file.close();
  }
}
