#!/usr/bin/env python3
"""Looking into the translator: --stats, --trace blocks|ir|asm and --perf-map, over a bare-metal image.

Run alone: tests/cli/observe.py build/anachron IMAGE.elf
"""

import pathlib
import re
import subprocess
import sys
import tempfile

ANACHRON, IMAGE = sys.argv[1], sys.argv[2]


def run(*options, status=0):
    process = subprocess.Popen(
        [ANACHRON, "run", "--multiboot", IMAGE, "--display", "none", "--serial", "none", *options],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == status, (options, process.returncode, errors)
    return errors, process.pid


def check_stats():
    text, _ = run("--engine", "jit", "--stats")
    def number(pattern):
        return float(re.search(pattern, text, re.MULTILINE).group(1))
    efficiency = number(r"^efficiency +([\d.]+) %")
    instructions, interpreted = number(r"^instructions +(\d+)"), number(r"^interpreted +(\d+)")
    # What is neither inside nor chosen to be interpreted is interpreted by the processor's state.
    assert 50 < efficiency <= 100 * (1 - interpreted / instructions) + 0.001, text
    entries = number(r"^entries +(\d+)")
    exits = text[text.index("\nexits"):text.index("\ninterpreted")]
    assert entries == sum(map(int, re.findall(r"^(?:exits)? +(\d+)", exits, re.MULTILINE))), exits
    assert number(r"^time +([\d.]+) s in translated") > 0, text
    assert "efficiency" not in run("--engine", "interp", "--stats")[0]


def check_traces(folder):
    lines = {}
    for kind in ["blocks", "ir", "asm"]:
        path = folder / kind
        run("--engine", "jit", "--trace", f"{kind}:{path}")
        lines[kind] = path.read_text().splitlines()
    heads = [line for line in lines["blocks"] if re.match(r"(block|variant) [0-9a-f]{8}, ", line)]
    assert heads and heads == lines["blocks"]
    for kind in ["ir", "asm"]:  # the same blocks
        assert [line for line in lines[kind] if re.match("block|variant", line)] == heads
    # every instruction of the blocks is there, and no byte that is no instruction of the host
    instructions = sum(int(re.search(r": (\d+) instructions", head).group(1)) for head in heads)
    for kind in ["ir", "asm"]:
        guest = [line for line in lines[kind] if re.match(r" +\d+  [0-9a-f]{8}  [0-9a-f]+ ", line)]
        assert len(guest) == instructions, (kind, len(guest), instructions)
    assert not [line for line in lines["asm"] if "(bad)" in line]
    assert [line for line in lines["ir"] if re.search(r"ADDRESS\.32 write .*; live", line)]
    errors, _ = run("--engine", "interp", "--trace", "asm:/dev/null", status=1)
    assert "--engine jit" in errors, errors
    errors, _ = run("--trace", "bytes:/dev/null", status=1)
    assert "blocks, ir, asm" in errors, errors


def check_perf_map():
    _, pid = run("--engine", "jit", "--perf-map")
    path = pathlib.Path(f"/tmp/perf-{pid}.map")
    lines = path.read_text().splitlines()
    path.unlink()
    assert lines
    for line in lines:
        assert re.fullmatch(r"[0-9a-f]+ [0-9a-f]+ guest_[0-9a-f]{8}(_variant)?(_cold)?", line), line


with tempfile.TemporaryDirectory() as name:
    check_stats()
    check_traces(pathlib.Path(name))
    check_perf_map()
