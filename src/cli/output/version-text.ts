import { printable, type RecordedEntry, type RecordedType } from '../../index.js';

const LETTERS: Readonly<Record<RecordedType, string>> = {
  file: '-',
  directory: 'd',
  symlink: 'l',
  character: 'c',
  block: 'b',
  fifo: 'p',
};

/** A version as `ls -l` shows a file, with the layer it comes from and, if it is hidden, what hides it. */
export function versionLine(entry: RecordedEntry, withInode = false): string {
  const { origin, target } = entry;
  const hidden = origin.hiddenBy && `  (${origin.hiddenBy.how} in @${origin.hiddenBy.layer})`;
  const shown = `${pathText(entry.path)}${target ? ` -> ${printable(target)}` : ''}${hidden ?? ''}`;
  const inode = withInode ? `${String(origin.inode).padStart(7)} ` : '';
  return `${inode}${factsText(entry)}  ${`@${origin.layer}`.padStart(3)}  ${shown}\n`;
}

/** Mode, owner, size and time of a version, in columns. */
export function factsText({ type, mode, uid, gid, size, device, mtime }: RecordedEntry): string {
  const amount = device ? `${device.major},${device.minor}` : String(size);
  return `${modeText(type, mode)} ${`${uid}:${gid}`.padStart(9)} ${amount.padStart(10)} ${timeText(mtime.seconds)}`;
}

/** From `/`, printable. */
export function pathText(path: Uint8Array): string {
  return `/${printable(path)}`;
}

/** As `ls -l` shows it: `drwxr-xr-x`. */
function modeText(type: RecordedType, mode: number): string {
  const bits = (at: number, special: number, letter: string) => {
    const run = (mode & (1 << at)) !== 0;
    const last = (mode & special) === 0 ? (run ? 'x' : '-') : run ? letter : letter.toUpperCase();
    return `${mode & (4 << at) ? 'r' : '-'}${mode & (2 << at) ? 'w' : '-'}${last}`;
  };
  return LETTERS[type] + bits(6, 0o4000, 's') + bits(3, 0o2000, 's') + bits(0, 0o1000, 't');
}

/** In UTC; a time that `Date` cannot represent is shown in seconds. */
function timeText(seconds: number): string {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return `${seconds} s`;
  return date.toISOString().replace('T', ' ').replace('.000Z', '');
}
