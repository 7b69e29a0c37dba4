"""Unpacks layers as engines that use overlayfs do: each alone, into the folder STACK/LAYER, by plain system calls inside
that folder as the root. A whiteout becomes a device 0:0, an opaque marker an xattr of its directory.

Standard input: JSON, {"stacks": [[[entry, ...], ...], ...], "literal": bool}. Text is latin1, a character a byte.
Standard output: JSON, for each stack why it cannot be unpacked, or null. Unless "literal", a directory that its own layer
both removes (or makes in the place of something else) and brings is made opaque, which says to overlayfs what the order
of the entries says to engines that apply one layer onto another.
"""

import json
import os
import shutil
import stat
import sys

TYPES = {"character device": stat.S_IFCHR, "block device": stat.S_IFBLK, "fifo": stat.S_IFIFO}
OPAQUE = "trusted.overlay.opaque"


def raw(text):
    return text.encode("latin1")


def is_directory(path):
    return os.path.isdir(path) and not os.path.islink(path)


def remove(path, times):
    if is_directory(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)
    for known in [known for known in times if known == path or known.startswith(path + b"/")]:
        del times[known]


def make(path, entry):
    kind = entry["type"]
    if kind == "file":
        with open(path, "xb") as file:
            file.write(raw(entry["content"]))
    elif kind == "directory":
        os.mkdir(path)
    elif kind == "symlink":
        os.symlink(raw(entry["target"]), path)
    elif kind == "hard link":
        os.link(b"/" + raw(entry["target"]), path, follow_symlinks=False)
    else:
        major, minor = (entry["device"] or "0:0").split(":")
        os.mknod(path, TYPES[kind], os.makedev(int(major), int(minor)))


def set_xattrs(path, entry):
    is_link = entry["type"] == "hard link"
    for name in os.listxattr(path, follow_symlinks=False):
        if name != OPAQUE and not is_link:
            os.removexattr(path, name, follow_symlinks=False)
    for name, _, value in (xattr.partition("=0x") for xattr in entry["xattrs"].split()):
        try:
            os.setxattr(path, name, bytes.fromhex(value), follow_symlinks=False)
        except OSError:
            if not is_link:  # what it names may be of a type that has no such xattr
                raise


def describe(path, entry, times):
    owner = (int(part) for part in entry["owner"].split(":"))
    os.chown(path, *owner, follow_symlinks=False)
    set_xattrs(path, entry)
    if not os.path.islink(path):
        os.chmod(path, entry["mode"])
    seconds, nanos = entry["mtime"].split(".")
    time = int(seconds) * 10**9 + int(nanos)
    if entry["type"] == "directory":
        times[path] = time
    else:
        os.utime(path, ns=(time, time), follow_symlinks=False)


def is_made(directory):
    """Whether it is there as a directory, which it is made if nothing else of the layer is in the way."""
    if os.path.lexists(directory):
        return is_directory(directory)
    if not is_made(os.path.dirname(directory)):
        return False
    os.mkdir(directory, 0o755)
    return True


def mark(directory, entry, literal):
    path = os.path.join(directory, raw(entry["hides"]))
    if not is_made(directory):
        return
    if entry["marker"] == "opaque":
        os.setxattr(directory, OPAQUE, b"y")
    elif not os.path.lexists(path):
        os.mknod(path, stat.S_IFCHR, 0)
    elif is_directory(path) and not literal:
        os.setxattr(path, OPAQUE, b"y")


def unpack(layer, literal):
    markers = []
    times = {}  # of directories, which change until the end
    for entry in layer:
        directory, base = os.path.split(b"/" + raw(entry["path"]))
        place = os.path.realpath(directory)
        if "marker" in entry:
            markers.append((place, entry))  # whatever their place in the tar, they act on older layers alone
            continue
        os.makedirs(directory, 0o755, exist_ok=True)
        path = os.path.join(place, base)
        is_there = os.path.lexists(path)
        if not (is_there and entry["type"] == "directory" and is_directory(path)):
            if is_there:
                remove(path, times)
            make(path, entry)
            if is_there and entry["type"] == "directory" and not literal:
                os.setxattr(path, OPAQUE, b"y")
        describe(path, entry, times)
    for directory, entry in sorted(markers, key=lambda marker: marker[0].count(b"/") if marker[0] != b"/" else 0):
        mark(directory, entry, literal)
    for path, time in times.items():
        os.utime(path, ns=(time, time))


def fails(folder, layer, literal):
    """Unpacks in a child, as there is no way back out of a folder that has become the root."""
    os.makedirs(folder, 0o755)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.chroot(folder)
            os.chdir("/")
            unpack(layer, literal)
        except OSError as error:
            os.write(writer, str(error).encode()[:4000])
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read().decode(errors="replace")
    os.waitpid(child, 0)
    return said


def main():
    task = json.load(sys.stdin)
    os.umask(0o022)
    failures = []
    for number, stack in enumerate(task["stacks"]):
        said = (fails(f"{number}/{place}", layer, task["literal"]) for place, layer in enumerate(stack))
        failures.append(next((failure for failure in said if failure), None))
    json.dump(failures, sys.stdout)


main()
