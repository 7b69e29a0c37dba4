import { plainEntry, withParents } from './entry.mjs';

/**
 * Images that are large in one way each, all of empty files: layers oldest to newest, of about as many entries as asked for.
 *
 * @typedef {(entries: number) => import('./entry.mjs').Entry[][]} MakeLayers
 */

/** A hundred files to a directory. @type {MakeLayers} */
export function manyEntries(entries) {
  return [
    folders(
      entries,
      100,
      (folder, index) => `usr/share/package-${digits(folder)}/a-file-of-some-name-${digits(index)}`,
    ),
  ];
}

/** @type {MakeLayers} */
export function oneDirectory(entries) {
  return [folders(entries, entries, (_, index) => `var/a-file-of-some-name-${digits(index)}`)];
}

/** Half of the entries are files, the other half whiteouts, one for each. @type {MakeLayers} */
export function manyWhiteouts(entries) {
  const files = folders(entries / 2, 200, (folder, index) => `usr/package-${digits(folder)}/a-file-${digits(index)}`);
  const whiteouts = files.filter(({ type }) => type === 'file').map(({ path }) => plainEntry(path, 'whiteout'));
  return [files, withParents(whiteouts)];
}

/** 16 directories deep, 4,000 bytes each. @type {MakeLayers} */
export function longPaths(entries) {
  const folder = Array.from({ length: 16 }, (_, depth) => `${depth}-`.padEnd(245, 'directory-')).join('/');
  const room = 4000 - folder.length - 1;
  return [folders(entries, entries, (_, index) => `${folder}/${digits(index).padEnd(room, '-long')}`)];
}

/** Each of 127 layers writes a folder, writes a tenth of the folder before again, and removes another tenth. @type {MakeLayers} */
export function manyLayers(entries) {
  const files = Math.round(entries / 127 / 1.2);
  return Array.from({ length: 127 }, (_, layer) => {
    /** @param {number} number @param {number} index */
    const path = (number, index) => `opt/layer-${number}/a-file-of-some-name-${digits(index)}`;
    const list = Array.from({ length: files }, (_, index) => plainEntry(path(layer, index), 'file'));
    for (let index = 0; layer > 0 && index < files / 5; index++)
      list.push(plainEntry(path(layer - 1, index * 5), index % 2 === 0 ? 'file' : 'whiteout'));
    return withParents(list);
  });
}

/** @param {number} files @param {number} each in one folder @param {(folder: number, index: number) => string} name */
function folders(files, each, name) {
  const list = Array.from({ length: files }, (_, index) => plainEntry(name(Math.floor(index / each), index), 'file'));
  return withParents(list);
}

/** @param {number} number */
function digits(number) {
  return String(number).padStart(7, '0');
}
