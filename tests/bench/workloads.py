"""The table of what is measured. docs/benchmark.md says how to add a line."""

import dataclasses

COMPUTE, SYSTEM, START = "compute", "system", "start"


@dataclasses.dataclass(frozen=True)
class Workload:
    """A program of the initial RAM disk. {N} in its command is the work at scale 1."""
    name: str
    kind: str      # several workloads of one class count once in the means
    group: str     # COMPUTE or SYSTEM
    want: float    # times QEMU's speed that the translator must reach
    command: str


@dataclasses.dataclass(frozen=True)
class Start:
    """A machine of its own, measured from the start of the emulator's process to a mark."""
    name: str
    kind: str
    want: float
    guest: str     # a guest of tests/boot/guests.py with a kernel and an initial RAM disk
    append: str
    mark: str      # on the serial port
    group: str = START


WORKLOADS = [
    Workload("integer", "integer loops", COMPUTE, 0.9, "/bench/integer {900}"),
    Workload("branchy", "branches", COMPUTE, 0.9, "/bench/branchy {600}"),
    Workload("bytecode", "interpreters", COMPUTE, 0.9, "/bench/bytecode {2400}"),
    Workload("calls", "calls and recursion", COMPUTE, 0.9, "/bench/calls {3000}"),
    Workload("wide", "64-bit and division", COMPUTE, 0.9, "/bench/wide {8000}"),
    Workload("flags", "flags", COMPUTE, 0.9, "/bench/flags {14000}"),
    Workload("strings", "string instructions", COMPUTE, 0.9, "/bench/strings {20000}"),
    Workload("chase", "allocation and pointers", COMPUTE, 0.9, "/bench/chase {600}"),
    Workload("x87", "x87", COMPUTE, 5, "/bench/x87 {2000}"),
    Workload("x87-functions", "x87", COMPUTE, 5, "/bench/functions {500000}"),
    Workload("scalar", "SSE scalar", COMPUTE, 0.9, "/bench/scalar {8000}"),
    Workload("packed", "SSE packed", COMPUTE, 5, "/bench/packed {8000}"),
    Workload("mmx", "MMX", COMPUTE, 0.9, "/bench/mmx {18000}"),
    Workload("copy-rep", "memory copy", COMPUTE, 5, "/bench/copy rep {4000}"),
    Workload("copy-libc", "memory copy", COMPUTE, 5, "/bench/copy libc {4000}"),
    Workload("gzip", "compression", COMPUTE, 0.9, "/bin/sh /bench/compress.sh gzip {2500000}"),
    Workload("bzip2", "compression", COMPUTE, 0.9, "/bin/sh /bench/compress.sh bzip2 {1200000}"),
    Workload("xz", "compression", COMPUTE, 0.9, "/bin/sh /bench/compress.sh xz {450000}"),
    Workload("hash", "hashes and ciphers", COMPUTE, 0.9, "/bin/sh /bench/hash.sh {1200}"),
    Workload("cipher", "hashes and ciphers", COMPUTE, 0.9, "/bin/sh /bench/cipher.sh {1000}"),
    Workload("rsa", "RSA", COMPUTE, 0.9, "/bin/sh /bench/rsa.sh {4}"),
    Workload("perl", "perl", COMPUTE, 2, "/usr/bin/perl /bench/perl.pl {100}"),
    Workload("python", "python", COMPUTE, 2, "/usr/bin/python3.11 -I -S /bench/python.py {160}"),
    Workload("lua", "lua", COMPUTE, 2, "/usr/bin/lua5.4 /bench/lua.lua {280}"),
    Workload("sqlite", "sqlite", COMPUTE, 2, "/bin/sh /bench/sqlite.sh {15000}"),
    Workload("cc1", "C compiler", COMPUTE, 2, "/bin/sh /bench/compile.sh {2}"),
    Workload("text", "text tools", COMPUTE, 0.9, "/bin/sh /bench/text.sh {600}"),
    Workload("luajit", "compiler in the guest", COMPUTE, 0.9, "/usr/bin/luajit /bench/luajit.lua {400}"),
    Workload("syscalls", "system calls", SYSTEM, 0.9, "/bench/syscalls {1000}"),
    Workload("forks", "fork and exec", SYSTEM, 0.9, "/bench/forks {200}"),
    Workload("pipes", "pipes", SYSTEM, 0.9, "/bench/pipes {200}"),
    Workload("faults", "mappings and page faults", SYSTEM, 0.9, "/bench/faults {300}"),
    Workload("signals", "signals", SYSTEM, 0.9, "/bench/signals {3500}"),
    Workload("files", "files", SYSTEM, 0.9, "/bench/files {170}"),
    Workload("shell", "shell loops", SYSTEM, 0.9, "/bin/sh /bench/shell.sh {400}"),
    Workload("smc-patch", "code patched in a loop", SYSTEM, 5, "/bench/selfmod patch {60000}"),
    Workload("smc-rewrite", "code rewritten and called", SYSTEM, 5, "/bench/selfmod rewrite {20000}"),
    Workload("smc-data", "data beside code", SYSTEM, 5, "/bench/selfmod data {14000}"),
    Workload("smc-fresh", "new code run a few times", SYSTEM, 5, "/bench/selfmod fresh {20}"),
]

STARTS = [
    Start("boot", "Linux boot to init", 1.0, "linux-6.1", "console=ttyS0 mitigations=off",
          "guest: init runs"),
]
