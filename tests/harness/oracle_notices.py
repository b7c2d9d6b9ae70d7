#!/usr/bin/env python3
"""The oracle notices a processor that is wrong, makes the case small, and says how to run it alone.

Run alone: tests/harness/oracle_notices.py build/tests/harness/oracle
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

SKIP = 77


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=250)


def main():
    oracle = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "counts.json"
        result = run(oracle, "--engine", "faulty", "--only", "adc", "--count", "20000", "--show", "3",
                     "--json", str(path))
        if result.returncode == SKIP:
            print(result.stderr)
            return SKIP
        assert result.returncode == 1, result
        forms = json.loads(path.read_text())["forms"]
    failed = [form for form in forms if form["failed"]]
    assert [(form["opcode"], form["operands"]) for form in failed] == [("11 /r", "Ev,Gv")], failed

    cases = result.stderr.split("\nDIFFERENCE in case ")[1:]
    assert len(cases) == 3, result.stderr
    for case in cases:
        instructions = re.findall(r"^  [0-9a-f]{6}: .*", case, re.M)
        assert len(instructions) == 1 and "(adc Ev,Gv)" in instructions[0], case
        assert re.search(r"^before:", case, re.M), case
        assert re.search(r"^host:", case, re.M) and re.search(r"^guest:", case, re.M), case

        command = re.search(r"alone: oracle (.*)", case).group(1).split()
        again = run(oracle, *command)
        assert again.returncode == 1 and "(adc Ev,Gv)" in again.stderr, again
        command[command.index("faulty")] = "interp"
        assert run(oracle, *command).returncode == 0
    print(f"{len(cases)} cases, each of one instruction")
    return 0


if __name__ == "__main__":
    sys.exit(main())
