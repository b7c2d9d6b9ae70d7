"""How each engine is started, and how the time of its workloads is taken.

Time is processor time of the emulator's process on the host, read at the moment when a mark arrives
on the guest's serial port. The guest's own clock means nothing (Anachron's counts instructions),
and wall time would count what else runs on the host.
"""

import os
import pathlib
import select
import signal
import shutil
import subprocess
import tempfile
import time

from grub_cd import make_grub_cd

MEMORY = "384"
# Which mitigations a kernel chooses depends on the processor model; its tests of its own ciphers
# take longer than the rest of the boot.
APPEND = "console=ttyS0 quiet mitigations=off cryptomgr.notests -- {scale} {names}"
CPUCLOCK_SCHED = 2


class Failed(Exception):
    pass


def process_seconds(pid):
    """User and system time of a process, all threads, in nanosecond steps. The number of a
    process's clock is made as clock_getcpuclockid(3) makes it."""
    return time.clock_gettime((~pid << 3) | CPUCLOCK_SCHED)


def session_processes(leader):
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[3]) == leader:
            found.append(int(stat.parent.name))
    return found


def peak_resident(pid):
    """MiB; 0 when it has ended."""
    try:
        lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def memory_in_use(pid, size):
    """MiB that are resident of the mapping of so many MiB, which is taken for the guest's memory; 0
    when there is none."""
    try:
        lines = pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines()
    except OSError:
        return 0.0
    is_guest = False
    for line in lines:
        words = line.split()
        if words[0] == "Size:":
            is_guest = int(words[1]) == size * 1024
        elif words[0] == "Rss:" and is_guest:
            return int(words[1]) / 1024
    return 0.0


class Machine:
    """A running emulator, its serial port in a pipe."""

    def __init__(self, command, limit, serial=None, type_first=b"", environment=None):
        """limit: seconds that one line may take. serial: a FIFO instead of standard output.
        type_first: for an emulator that starts in a prompt."""
        self.limit = limit
        self.command = [str(word) for word in command]
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE if type_first else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if serial else subprocess.PIPE, stderr=self.errors,
            start_new_session=True, env=environment)
        self.output = os.open(serial, os.O_RDWR) if serial else self.process.stdout.fileno()
        if type_first:
            self.process.stdin.write(type_first)
            self.process.stdin.flush()
        self.used = {}  # seconds by process; one that has ended keeps its last figure
        self.pending = b""
        self.log = b""

    def seconds(self):
        """Of all processes of the session, as it was when the first line came."""
        for pid in self.used or session_processes(self.process.pid):
            try:
                self.used[pid] = process_seconds(pid)
            except OSError:  # it has ended
                self.used.setdefault(pid, 0.0)
        return sum(self.used.values())

    def lines(self):
        """Yields (line, processor seconds when it was complete)."""
        deadline = time.monotonic() + self.limit
        while True:
            if not select.select([self.output], [], [], max(0, deadline - time.monotonic()))[0]:
                raise Failed(f"no line for {self.limit:.0f} s; the last: {self.tail()}")
            got = os.read(self.output, 65536)
            if not got:
                break
            if b"\n" not in got:
                self.pending += got
                continue
            now = self.seconds()
            *whole, self.pending = (self.pending + got).split(b"\n")
            deadline = time.monotonic() + self.limit
            for line in whole:
                self.log = (self.log + line + b"\n")[-4000:]
                yield line.decode(errors="replace").strip(), now
        raise Failed("it ended; the last lines: " + self.tail())

    def tail(self):
        self.errors.seek(0)
        errors = self.errors.read()
        return (self.log[-600:] + self.pending + errors[-600:]).decode(errors="replace").strip()

    def resident(self):
        return max(peak_resident(pid) for pid in session_processes(self.process.pid))

    def beside_guest(self):
        """MiB: the most that was resident, without what the guest has used of its memory; 0 when
        that cannot be told."""
        for pid in session_processes(self.process.pid):
            used = memory_in_use(pid, int(MEMORY))
            if used:
                return peak_resident(pid) - used
        return 0.0

    def wait_for_end(self, seconds):
        """Lets a guest that has switched itself off be followed by its emulator; what that said."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return ""
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def close(self):
        # bochs is a shell script around its program: end the whole session
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.communicate()
        self.errors.close()


class Engine:
    """Starts a kernel with an initial RAM disk. native: runs on the host itself."""
    native = False
    program = None  # what must be installed

    def __init__(self, name, pin=None):
        self.name = name
        self.pin = ["taskset", "-c", str(pin)] if pin is not None else []

    def refusal(self):
        """Why this engine cannot run here, or None."""
        if self.program and not shutil.which(self.program):
            return f"{self.program} is not installed: run ./setup"
        return None

    def start(self, kernel, initrd, append, limit):
        return Machine([*self.pin, *self.command(kernel, initrd, append)], limit)

    def close(self):
        pass


class Anachron(Engine):
    def __init__(self, anachron, engine, pin, options, name=None):
        super().__init__(name or engine, pin)
        self.anachron = anachron
        self.engine = engine
        self.options = options

    def refusal(self):
        done = subprocess.run([self.anachron, "run", "--engine", self.engine, "--memory", "1M",
                               "--display", "none", "--serial", "none", "--stop-after", "1"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        return done.stderr.strip() if done.returncode else None

    def command(self, kernel, initrd, append):
        return [self.anachron, "run", "--engine", self.engine, "--cpu", "core2", "--memory",
                MEMORY + "M", "--clock", "virtual", "--display", "none", "--serial", "stdio",
                "--kernel", kernel, "--initrd", initrd, "--append", append, *self.options]


class Qemu(Engine):
    program = "qemu-system-i386"

    def command(self, kernel, initrd, append):
        return [self.program, "-accel", "tcg", "-cpu", "max", "-m", MEMORY, "-display", "none",
                "-serial", "stdio", "-monitor", "none", "-net", "none", "-no-reboot",
                "-kernel", kernel, "-initrd", initrd, "-append", append]


class Bochs(Engine):
    """It knows no way to be given a kernel, so it boots a CD with GRUB."""
    program = "bochs"

    def __init__(self, name, pin, guests):
        super().__init__(name, pin)
        self.guests = guests
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="anachron-bench-"))

    def make_cd(self, kernel, initrd, append):
        image = self.folder / "bench.iso"
        make_grub_cd(image, self.folder / "cd",
                     f"set timeout=0\nlinux /boot/vmlinuz {append} nomodeset\n"
                     "initrd /boot/initrd\nboot\n", {"vmlinuz": kernel, "initrd": initrd})
        return image

    def start(self, kernel, initrd, append, limit):
        cd, serial, config = (self.make_cd(kernel, initrd, append), self.folder / "serial",
                              self.folder / "bochsrc")
        serial.unlink(missing_ok=True)
        os.mkfifo(serial)
        config.write_text(
            f"display_library: rfb, options=\"timeout=0\"\nmegs: {MEMORY}\n"
            "romimage: file=/usr/share/bochs/BIOS-bochs-latest\n"
            "vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest\n"
            f"ata0-master: type=cdrom, path={cd}, status=inserted\nboot: cdrom\n"
            f"com1: enabled=1, mode=file, dev={serial}\nlog: {self.folder}/bochs.log\n"
            "cpu: model=core2_penryn_t9600, ips=100000000\nclock: sync=none\n")
        return Machine([*self.pin, self.program, "-q", "-f", config], limit, serial, b"c\n")

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class Native(Engine):
    """The same programs on the host's processor and kernel, with the guest's tree as their root.
    Their time is what the host's kernel accounts to them."""
    native = True

    def __init__(self, name, pin, tree):
        super().__init__(name, pin)
        self.tree = tree

    def namespace(self):
        """A mount namespace of its own; one of users too, when we may not make it otherwise."""
        return ["unshare", "-m", *(["-r"] if os.getuid() else [])]

    def refusal(self):
        done = subprocess.run([*self.namespace(), "chroot", self.tree, "/bin/sh", "-c", "true"],
                              capture_output=True, text=True)
        return done.stderr.strip() if done.returncode else None

    def start_list(self, scale, names, limit):
        script = ('mount --rbind /dev "$0/dev" && mount --rbind /proc "$0/proc" && '
                  'mount -t tmpfs tmp "$0/tmp" && '
                  'exec chroot "$0" /bench/runner /bench/list "$@"')
        return Machine([*self.pin, *self.namespace(), "sh", "-c", script, self.tree, scale, names],
                       limit, environment={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"})
