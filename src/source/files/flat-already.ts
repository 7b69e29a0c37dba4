/** Names at the top of root filesystems of Linux and Windows, and never at the top of images. */
const TOP = /^(bin|sbin|usr|etc|lib|lib32|lib64|libx32|proc|sys|dev|var|\.dockerenv|Files|Hives)$/;

/** How many of the names at the top are those of a root filesystem. */
export function rootNames(names: Iterable<string>): number {
  let count = 0;
  for (const name of names) if (TOP.test(name)) count += 1;
  return count;
}

/** The message about an archive of a root filesystem. */
export function flatAlready(location: string): string {
  const what = `${location} is a root filesystem (rootfs) or a single layer, not an image`;
  return `${what}: it is flat already, so extract it with tar; an image comes from docker save, not from docker export`;
}
