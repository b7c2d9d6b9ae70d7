#!/usr/bin/env python3
"""What `anachron vectors` reports: no form without a test, the same in two runs, and every form's
tests notice when the form is broken.

Run alone: tests/cli/report.py build/anachron machine/answers
"""

import json
import pathlib
import subprocess
import sys
import tempfile

# Forms that do nothing that a program could see: a processor that skips them is right.
NOTHING = {"nop", "pause", "prefetchnta", "prefetcht0", "prefetcht1", "prefetcht2", "prefetchw",
           "fnop", "fneni", "fndisi", "fnsetpm", "lfence", "mfence", "sfence", "clflush"}
ANSWERS = ["integer", "x87", "simd"]
# Images that take longer than a run with a skipped form is given.
LONG = ["protection", "sensitive"]
TIMEOUT = 300


class Failure(Exception):
    pass


def check(condition, what):
    if not condition:
        raise Failure(what)


class Report:
    def __init__(self, anachron, *arguments):
        self.done = subprocess.run([anachron, "vectors", *arguments], capture_output=True,
                                   text=True, timeout=TIMEOUT)

    @property
    def json(self):
        return json.loads(self.done.stdout)


def form_name(form):
    return " ".join((form["opcode"], form["mnemonic"], form["operands"])).strip()


def suites(names):
    return [word for name in names for word in ("--suite", name)]


def complete(anachron):
    """No gaps; nothing failed; every total is the sum of its parts."""
    report = Report(anachron, "--json")
    check(report.done.returncode == 0, f"status {report.done.returncode}")
    data = report.json
    gaps = [form_name(form) for form in data["forms"] if form["gap"]]
    check(not gaps and data["gaps"] == {"user": 0, "system": 0}, f"gaps: {gaps}")
    for form in data["forms"]:
        check(form["tested"] > 0 and form["failed"] == 0 and form["suites"], form_name(form))
        check(form["tested"] == form["passed"] + form["failed"], form_name(form))
    for key in ("tested", "passed", "failed", "masked", "skipped"):
        check(data["total"][key] == sum(suite[key] for suite in data["suites"]), key)
    isa = json.loads(subprocess.run([anachron, "isa", "--json"], capture_output=True, text=True,
                                    timeout=TIMEOUT).stdout)
    check([form_name(row) for row in isa] == [form_name(form) for form in data["forms"]],
          "the report's forms are not those of `anachron isa`")
    return data


def repeatable(anachron, first):
    check(Report(anachron, "--json").json == first, "two runs differ")


def other_engine(anachron, first):
    """The translator, where there is one, passes the same cases."""
    report = Report(anachron, "--json", "--engine", "jit")
    if report.done.returncode == 2:
        print(f"SKIPPED: the other engine: {report.done.stderr.strip()}")
        return
    check(report.done.returncode == 0, f"--engine jit: status {report.done.returncode}")
    data = report.json
    check(data["engine"] == "jit", "the report does not name its engine")
    check(data["total"]["tested"] == first["total"]["tested"] and data["gaps"] == first["gaps"],
          "--engine jit tests something else")


def other_models(anachron, names):
    """What a smaller processor has passes; what it has not is no gap."""
    short = suites([name for name in names if name not in LONG])
    for model in ("386", "486", "pentium", "pentium3", "pentium4"):
        report = Report(anachron, "--json", "--cpu", model, *short)
        check(report.done.returncode == 0, f"--cpu {model}: status {report.done.returncode}")
        data = report.json
        check(data["gaps"] == {"user": 0, "system": 0}, f"--cpu {model}: {data['gaps']}")
        absent = [form for form in data["forms"] if form["absent"]]
        check(absent and all(form["failed"] == 0 for form in absent), f"--cpu {model}: absent")


def text_agrees(anachron, data):
    report = Report(anachron)
    lines = report.done.stdout.splitlines()
    total = next(line.split() for line in lines if line.startswith("total"))
    check(int(total[1]) == data["total"]["tested"], "totals of text and JSON differ")
    check("gaps: 0 user-mode forms without a test" in lines, "no line of user-mode gaps")
    check("gaps: 0 system-mode forms without a test" in lines, "no line of system-mode gaps")


def answers_notice(anachron):
    """With every form doing nothing, every form fails that does something."""
    data = Report(anachron, "--json", "--skip", "all", *suites(ANSWERS)).json
    silent = [form_name(form) for form in data["forms"]
              if form["tested"] and not form["failed"] and form["mnemonic"] not in NOTHING]
    check(not silent, f"not noticed when skipped: {silent}")
    return {form_name(form) for form in data["forms"] if form["failed"]}


def images_notice(anachron, data, noticed):
    """A form that only images test fails in one of them when it does nothing."""
    silent = []
    for form in data["forms"]:
        names = [name for name in form["suites"] if name not in ANSWERS + LONG]
        if form_name(form) in noticed or form["mnemonic"] in NOTHING:
            continue
        if not any(Report(anachron, "--json", "--skip", form_name(form),
                          *suites([name])).json["total"]["failed"] for name in names):
            silent.append(f"{form_name(form)} ({' '.join(names)})")
    check(not silent, "not noticed when skipped:\n  " + "\n  ".join(silent))


def corrupted_vector(anachron, folder, answers):
    """One wrong digit is one failed case of its form."""
    lines = (answers / "integer.answers").read_text().splitlines()
    index, line = next((i, line) for i, line in enumerate(lines) if " | eax=" in line)
    before, after = line.split("| eax=")
    lines[index] = before + "| eax=" + ("1" if after[0] != "1" else "2") + after[1:]
    path = folder / "integer.answers"
    path.write_text("\n".join(lines) + "\n")
    report = Report(anachron, "--json", "--no-suites", str(path))
    check(report.done.returncode == 1, f"status {report.done.returncode}")
    data = report.json
    check(data["total"]["failed"] == 1, f"{data['total']['failed']} failed")
    check(sum(form["failed"] for form in data["forms"]) == 1, "no form failed")
    shown = Report(anachron, "--no-suites", "--show", "1", str(path)).done
    check(f"integer:{index + 1}: " in shown.stderr and "should be" in shown.stderr, shown.stderr)
    check("FAILED" in shown.stdout, "the table does not say FAILED")


def bad_files(anachron, folder):
    """One clear line each, and status 1."""
    files = {
        "missing.moo": None,
        "cut.moo": b"MOO \x0c",
        "bad.answers": b"909 0 |\n",
        "words.answers": b"90 0 eax=1 | what=3\n",
        "half.answers": b"90 0 eax=1\n",
        "range.answers": b"90 0 | ifffffffffffffff0=20\n",
        "place.answers": b"90 0 mfff=0102 |\n",
        "long.answers": b"90 0 | " + b"eax=1 " * 9000 + b"\n",
        "image.elf": b"\x7fELF\1\1\1" + bytes(100),
        "text.txt": b"hello\n",
    }
    for name, content in files.items():
        path = folder / name
        if content is not None:
            path.write_bytes(content)
        done = Report(anachron, "--no-suites", str(path)).done
        lines = done.stderr.splitlines()
        check(done.returncode == 1 and len(lines) == 1 and name in lines[0],
              f"{name}: status {done.returncode}, {lines}")
    for arguments in (["--engine", "nonsense"], ["--cpu", "8080"], ["--bogus"], ["--skip", "x"],
                      ["--show"], ["--no-suites"], ["--suite", "nosuch"]):
        done = Report(anachron, *arguments).done
        check(done.returncode == 2 and len(done.stderr.splitlines()) == 1,
              f"{arguments}: status {done.returncode}, {done.stderr}")


def main():
    anachron, answers = sys.argv[1], pathlib.Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        try:
            corrupted_vector(anachron, folder, answers)
            bad_files(anachron, folder)
            noticed = answers_notice(anachron)
            data = complete(anachron)
            repeatable(anachron, data)
            other_engine(anachron, data)
            other_models(anachron, [suite["name"] for suite in data["suites"]])
            text_agrees(anachron, data)
            images_notice(anachron, data, noticed)
        except Failure as failure:
            print(f"FAILED: {failure}")
            return 1
    print(f"report: {data['total']['tested']} cases of {len(data['forms'])} forms, no gap")
    return 0


if __name__ == "__main__":
    sys.exit(main())
