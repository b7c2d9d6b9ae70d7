"""Guest files from Debian packages, cached in a folder.

Packages are fetched by apt from the archive that this host is configured for, for the guest's
architecture (i386) and release, with package lists of their own, so that nothing of the host's
package state changes. Raises Unavailable when a package cannot be had: tests then skip.
"""

import fcntl
import pathlib
import re
import subprocess

RELEASES = ["bookworm", "bullseye"]


class Unavailable(Exception):
    pass


def archive_address():
    """The address of the Debian archive in the host's own configuration."""
    listing = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(CODENAME) $(COMPONENT) $(REPO_URI)",
         "Created-By: Packages"], capture_output=True, text=True)
    for line in listing.stdout.splitlines():
        fields = line.split()
        if len(fields) == 3 and fields[:2] == ["bookworm", "main"]:
            return fields[2]
    raise Unavailable("apt on this host knows no Debian 12 archive")


class Archive:
    """The package archive, and what has been unpacked of it below cache."""

    def __init__(self, cache):
        self.cache = pathlib.Path(cache).resolve()
        self.apt = self.cache / "apt"

    def options(self):
        return ["-o", f"Dir::State::lists={self.apt}/lists", "-o", f"Dir::Cache={self.apt}/cache",
                "-o", f"Dir::Etc::sourcelist={self.apt}/sources.list",
                "-o", "Dir::Etc::sourceparts=-", "-o", "APT::Architecture=i386",
                "-o", "APT::Architectures=i386", "-o", "APT::Sandbox::User=root",
                # What the host has installed is not what the guest has.
                "-o", "Dir::State::status=/dev/null"]

    def update(self):
        """Fetches the package lists, once."""
        if (self.apt / "updated").exists():
            return
        for folder in ["lists/partial", "cache/archives/partial"]:
            (self.apt / folder).mkdir(parents=True, exist_ok=True)
        keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
        address = archive_address()
        (self.apt / "sources.list").write_text("".join(
            f"deb [signed-by={keyring}] {address} {release} main\n" for release in RELEASES))
        done = subprocess.run(["apt-get", *self.options(), "update"], capture_output=True,
                              text=True)
        if done.returncode != 0:
            raise Unavailable("apt-get update failed: " + done.stderr.strip()[-200:])
        (self.apt / "updated").touch()

    def newest(self, pattern):
        """The name of the newest package whose whole name matches the regular expression."""
        self.update()
        names = subprocess.run(["apt-cache", *self.options(), "pkgnames"], capture_output=True,
                               text=True).stdout.split()
        matching = [name for name in names if re.fullmatch(pattern, name)]
        if not matching:
            raise Unavailable(f"no package matches {pattern}")
        return max(matching, key=lambda name: [int(n) for n in re.findall(r"\d+", name)])

    def closure(self, packages, without):
        """The packages and all they depend on, but those whose name matches the regular
        expression without."""
        self.update()
        done = subprocess.run(
            ["apt-get", *self.options(), "-o", "Debug::NoLocking=1", "--no-install-recommends",
             "--simulate", "install", *packages],
            capture_output=True, text=True)
        names = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("Inst ")]
        if not names:
            raise Unavailable(f"apt finds no way to install {packages}: "
                              f"{done.stderr.strip()[-200:]}")
        return sorted(name for name in names if not re.fullmatch(without, name))

    def unpack(self, package):
        """Unpacks a package (fetching it the first time) and returns the folder."""
        folder = self.cache / "unpacked" / package
        if folder.exists():
            return folder
        self.update()
        downloads = self.cache / "downloads" / package
        downloads.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["apt-get", *self.options(), "download", package], cwd=downloads,
                              capture_output=True, text=True)
        files = list(downloads.glob("*.deb"))
        if done.returncode != 0 or not files:
            raise Unavailable(f"package {package} cannot be had: {done.stderr.strip()[-200:]}")
        partial = folder.with_name(package + ".partial")
        partial.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["dpkg-deb", "-x", files[0], partial], check=True)
        partial.rename(folder)
        return folder


class Lock:
    """Lets one process at a time build into a cache folder."""

    def __init__(self, cache):
        self.path = pathlib.Path(cache) / "lock"

    def __enter__(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.file = self.path.open("w")
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *unused):
        self.file.close()
