import { type RawEntry, rawLayer } from './raw-layer.js';
import { runCommand } from './run-command.js';

const MTIME = 981173106;

/** A layer for containers to change. */
export const CHANGED_LAYER = rawLayer(
  [
    { name: 'lower/', type: '5' },
    ...['removed', 'chmod', 'chown', 'appended', 'hard1', 'kept'].map((name) => ({
      name: `lower/${name}`,
      content: `${name} `.repeat(10),
    })),
    { name: 'lower/hard2', type: '1', link: 'lower/hard1' },
    { name: 'lower/hard3', type: '1', link: 'lower/hard1' },
    { name: 'lower/symlink', type: '2', link: 'kept' },
    { name: 'lower/replaced/', type: '5' },
    { name: 'lower/replaced/old', content: 'old' },
    { name: 'lower/moved/', type: '5' },
    { name: 'lower/moved/a', content: 'aa' },
    { name: 'lower/moved/sub/', type: '5' },
    { name: 'lower/moved/sub/b', content: 'bb' },
    { name: 'lower/deep/', type: '5' },
    { name: 'lower/deep/inner/', type: '5' },
    { name: 'lower/deep/inner/gone', content: 'g' },
    { name: 'lower/deep/inner/stays', content: 's'.repeat(5000) },
  ].map((entry: RawEntry) => ({ mtime: MTIME, mode: entry.type === '5' ? 0o755 : 0o644, ...entry })),
);

/** What a container may do to its tree, for bash. `$1`: its root. `$2`: what is left out, `devices` or `capability`. */
export const CHANGES = String.raw`
  set -e
  cd "$1"
  rm lower/removed
  rm -r lower/replaced && mkdir lower/replaced && echo new > lower/replaced/new
  rm lower/symlink && mkdir lower/symlink && echo in > lower/symlink/in
  chmod 4751 lower/chmod
  chown 1000:1001 lower/chown
  echo more >> lower/appended
  mv lower/moved lower/renamed
  mv lower/deep/inner lower/again
  echo y > lower/again/added
  rm lower/again/gone
  mv lower/again/stays lower/stays2
  chmod 600 lower/stays2
  ln lower/stays2 lower/stays3
  mv lower/renamed/sub moved-out
  mv moved-out/b moved-out/c
  chmod 640 moved-out/c
  ln lower/hard1 lower/hard4
  chmod 600 lower/hard2
  mkdir -p new/sub
  echo content > new/file
  ln new/file new/sub/link
  ln -s ../file new/sub/symlink
  mkfifo new/fifo
  case "$2" in *devices*) ;; *) mknod new/char c 5 1; mknod new/block b 7 300;; esac
  touch -d '1999-12-31 23:59:59.123456789' new/old
  touch -d '2040-01-01' new/future
  touch -d '1969-07-20 20:17' new/moon
  printf x > "$(printf 'new/caf\351')"
  mkdir "$(printf 'new/d\351')"
  printf y > "$(printf 'new/d\351/n')"
  setfattr -n user.note -v hello new/file
  setfattr -n user.bin -v 0x00ff00 "$(printf 'new/caf\351')"
  setfattr -n user.dir -v z "$(printf 'new/d\351')"
  setfattr -n user.utf8 -v z lower/again
  printf program > new/ping && chmod 755 new/ping
  case "$2" in
    *capability*) ;;
    *) setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 new/ping;;
  esac
  perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => "new/socket", Listen => 1) or die'
  chmod 1777 lower
  long=$(printf 'n%.0s' $(seq 200))
  mkdir "new/$long"
  echo long > "new/$long/$long"
  ln -s "/$long/$long" new/longlink
  truncate -s 1M new/sparse
`;

/** Changes a tree that begins as `CHANGED_LAYER`, as a container may do. */
export async function changeTree(root: string): Promise<void> {
  await runCommand('bash', ['-c', CHANGES, 'bash', root]);
}
