#!/usr/bin/env python3
"""Runs the fuzzers of a build (see meson.build here) for a while each; fails when one finds something."""

import argparse
import os
import pathlib
import subprocess
import sys


def run(fuzzer, seconds):
    """One fuzzer; its corpus stays beside it, so that the next run goes on from there."""
    corpus = fuzzer.with_name(fuzzer.name + ".corpus")
    corpus.mkdir(exist_ok=True)
    found = fuzzer.with_name(fuzzer.name + ".found-")
    command = [str(fuzzer), str(corpus), f"-max_total_time={seconds}", "-timeout=20",
               "-rss_limit_mb=4096", "-max_len=2048", "-print_final_stats=1", f"-artifact_prefix={found}"]
    words = pathlib.Path(__file__).with_name(fuzzer.name.removeprefix("fuzz_") + ".dict")
    if words.exists():
        command.append(f"-dict={words}")
    environment = {**os.environ, "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}
    result = subprocess.run(command, capture_output=True, text=True, errors="replace", env=environment)
    lines = result.stderr.splitlines()
    statistics = {line.split()[0].split("::")[1]: line.split()[1] for line in lines if line.startswith("stat::")}
    coverage = [line.split()[line.split().index("cov:") + 1] for line in lines if " cov: " in line]
    print(f"{fuzzer.name}: {statistics.get('number_of_executed_units:', '?')} inputs, "
          f"{coverage[-1] if coverage else '?'} edges covered, status {result.returncode}")
    if result.returncode:
        print("\n".join(lines[-60:]))
    return result.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    fuzzers = sorted(path for path in (options.build / "tests/fuzz").glob("fuzz_*")
                     if path.is_file() and os.access(path, os.X_OK))
    if options.names:
        fuzzers = [path for path in fuzzers if path.name.removeprefix("fuzz_") in options.names]
    if not fuzzers:
        sys.exit(f"run.py: no fuzzers in {options.build}: build them with ninja -C {options.build} fuzzers")
    good = [run(fuzzer, options.seconds) for fuzzer in fuzzers]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
