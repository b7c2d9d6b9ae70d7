"""The benchmark's guest: a folder tree of Debian i386 programs and our own, and an initial RAM disk
of it. The native runs use the tree itself as their root."""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess

from workloads import WORKLOADS
from guests import run
from packages import Lock, Unavailable

SOURCES = pathlib.Path(__file__).resolve().parent / "guest"

# Programs, and folders that they need, by package.
PROGRAMS = {
    "gzip": ["bin/gzip"],
    "bzip2": ["bin/bzip2"],
    "xz-utils": ["usr/bin/xz"],
    "openssl": ["usr/bin/openssl"],
    "perl-base": ["usr/bin/perl", "usr/lib/i386-linux-gnu/perl-base"],
    "python3.11-minimal": ["usr/bin/python3.11"],
    "libpython3.11-minimal": ["usr/lib/python3.11"],
    "lua5.4": ["usr/bin/lua5.4"],
    "luajit": ["usr/bin/luajit"],
    "mawk": ["usr/bin/mawk"],
    "grep": ["bin/grep"],
    "coreutils": ["usr/bin/sort", "usr/bin/uniq"],
    "sqlite3": ["usr/bin/sqlite3"],
    "cpp-12": ["usr/lib/gcc/i686-linux-gnu/12/cc1"],
}
LIBRARIES = ["libc6", "libbz2-1.0", "liblzma5", "libssl3", "zlib1g", "libreadline8", "libtinfo6",
             "libsqlite3-0", "liblua5.4-0", "libluajit-5.1-2",
             "libisl23", "libmpc3", "libmpfr6", "libgmp10",
             "libzstd1", "libexpat1", "libcrypt1", "libgcc-s1", "libstdc++6", "libpcre2-8-0"]
APPLETS = ["cat", "cmp", "cut", "expr", "head", "mount", "poweroff", "rm", "sh", "stty", "tail", "tr"]
CORPUS_SIZE = 4 << 20

INIT = """#!/bin/sh
export PATH=/usr/bin:/bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
exec </dev/ttyS0 >/dev/ttyS0 2>&1
stty raw -echo
/bench/runner /bench/list "$@"
poweroff -f
"""


def needed_libraries(file):
    """The libraries that an ELF file names (DT_NEEDED)."""
    listing = subprocess.run(["readelf", "-d", file], capture_output=True, text=True).stdout
    return re.findall(r"\(NEEDED\)\s+Shared library: \[([^]]+)\]", listing)


class Image:
    def __init__(self, guests, programs):
        self.guests = guests
        self.programs = pathlib.Path(programs)
        self.tree = guests.cache / "trees/bench"
        self.initrd = guests.images / "bench.cpio"  # not compressed: nobody waits for that

    def fingerprint(self):
        """A hash of what the image is made of, packages aside: it changes while one works on it."""
        here = pathlib.Path(__file__)
        files = [here, here.with_name("workloads.py"), *sorted(SOURCES.iterdir())]
        return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()

    def build(self):
        """Makes tree and initial RAM disk when they are missing or of other sources."""
        made_of = self.initrd.with_name(self.initrd.name + ".sources")
        with Lock(self.guests.cache):
            if not made_of.exists() or made_of.read_text() != self.fingerprint():
                self.initrd.unlink(missing_ok=True)
                self.make_tree()
                self.guests.make(self.initrd.name, lambda out: out.write_bytes(
                    self.guests.archive_tree(self.tree)))
                made_of.write_text(self.fingerprint())
            kernel = self.guests.kernel("linux-6.1")[1]
        return kernel, self.initrd

    def make_tree(self):
        self.guests.busybox_tree(self.tree.name, INIT)
        for applet in APPLETS:
            link = self.tree / "bin" / applet
            if not link.is_symlink():
                link.symlink_to("busybox")
        self.copy_packages()
        self.copy_libraries()
        self.copy_bench()
        self.write_corpus()
        self.write_key()

    def copy_packages(self):
        for package, paths in PROGRAMS.items():
            folder = self.guests.archive.unpack(package)
            for path in paths:
                # /bin is BusyBox's, so that its own programs of these names are not meant by mistake
                target = self.tree / (f"usr/{path}" if path.startswith("bin/") else path)
                target.parent.mkdir(parents=True, exist_ok=True)
                if (folder / path).is_dir():
                    shutil.copytree(folder / path, target, symlinks=True)
                else:
                    shutil.copy(folder / path, target)

    def copy_libraries(self):
        """All libraries, and theirs, into one folder, where the loader looks without a cache."""
        found = {}
        for package in LIBRARIES:
            for file in self.guests.archive.unpack(package).rglob("*.so*"):
                found.setdefault(file.name, file)
        wanted = [*(self.tree / "usr/bin").iterdir(), *self.tree.rglob("cc1")]
        (self.tree / "lib").mkdir(exist_ok=True)
        done = set()
        while wanted:
            for name in needed_libraries(wanted.pop()):
                if name in done:
                    continue
                if name not in found:
                    raise Unavailable(f"no package of the list in {__file__} has {name}")
                done.add(name)
                wanted.append(shutil.copy(found[name], self.tree / "lib" / name))

    def copy_bench(self):
        bench = self.tree / "bench"
        (bench / "source").mkdir(parents=True)
        for file in self.programs.iterdir():
            if file.is_file() and os.access(file, os.X_OK):
                shutil.copy(file, bench)
        for file in SOURCES.iterdir():
            if file.suffix == ".c":
                run("gcc", "-m32", "-msse2", "-E", "-P", file, "-o",
                    bench / "source" / (file.stem + ".i"))
            elif file.suffix != ".h":
                shutil.copy(file, bench)
        (bench / "list").write_text("".join(
            f"{workload.name} {workload.command}\n" for workload in WORKLOADS))
        (self.tree / "usr/bin/cc1").symlink_to("../lib/gcc/i686-linux-gnu/12/cc1")

    def write_corpus(self):
        """What is compressed, hashed and encrypted: scripts and machine code of the packages."""
        files = sorted((self.tree / "usr").rglob("*.p[ym]")) + sorted((self.tree / "lib").iterdir())
        text = b"".join(file.read_bytes() for file in files if file.is_file())
        step = len(text) // 64
        pieces = [text[i * step:i * step + CORPUS_SIZE // 64] for i in range(64)]
        (self.tree / "bench/corpus").write_bytes(b"".join(pieces))

    def write_key(self):
        """A private key for rsa.sh, made by the guest's own openssl."""
        run(self.tree / "lib/ld-linux.so.2", "--library-path", self.tree / "lib",
            self.tree / "usr/bin/openssl", "genrsa", "-out", self.tree / "bench/rsa.pem", "2048")
