#!/usr/bin/env python3
"""The generated parts of docs/conformance.md: made from the programs and files that they describe.

    tests/cli/conformance.py build/anachron build/tests/harness/oracle .            checks them
    tests/cli/conformance.py build/anachron build/tests/harness/oracle . --write    makes them anew

(or: ninja -C build conformance). A part stands between <!-- generated: NAME --> and <!-- end -->.
"""

import collections
import json
import pathlib
import re
import subprocess
import sys


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def table(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "| " + " | ".join("---" for _ in heads) + " |"]
    lines += ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |"
              for row in rows]
    return "\n".join(lines)


def classes(anachron, oracle, top):
    forms = json.loads(output(anachron, "isa", "--json"))
    kinds = collections.Counter()
    for form in forms:
        kind = [name for name in ("privileged", "control_sensitive", "behaviour_sensitive")
                if form[name]]
        kinds[", ".join(kind).replace("_", "-") or "innocuous"] += 1
    rows = sorted(kinds.items(), key=lambda item: -item[1])
    rows.append(("all", len(forms)))
    rows.append(("of them user-mode", sum(form["user"] for form in forms)))
    return table(("class", "forms"), rows)


def models(anachron, oracle, top):
    features = collections.Counter(form["feature"]
                                   for form in json.loads(output(anachron, "isa", "--json")))
    rows = []
    lines = output(anachron, "cpus").splitlines()
    for name_line, feature_line in zip(lines[::2], lines[1::2]):
        name, description = name_line.split(None, 1)
        absent = {feature: count for feature, count in features.items()
                  if feature not in feature_line.split()}
        rows.append((f"`{name}`", description.replace(" (the default)", ""), sum(absent.values()),
                     " ".join(f"{feature} ({count})" for feature, count in absent.items())))
    return table(("`--cpu`", "silicon", "forms that are #UD", "by feature"), rows)


def silicon(anachron, oracle, top):
    rows = []
    for path in sorted((top / "machine" / "answers").glob("*.answers")):
        lines = path.read_text().splitlines()
        cases = sum(not line.startswith("#") for line in lines)
        forms = sum(line.startswith("# ") for line in lines) - 2
        source = re.search(r"captured from: (.*)\.$", lines[0]).group(1)
        rows.append((f"`machine/answers/{path.name}`", forms, cases, source))
    return table(("file", "forms", "cases", "captured from"), rows)


OPEN = "\nOpen in the manual, compared all the same:\n"


def undecided(anachron, oracle, top):
    lines = output(oracle, "--differences").split(OPEN)[1].splitlines()
    return table(("what Anachron and the host do alike", "SDM"),
                 [re.match(r"\s*(.*) \(SDM (.*)\)$", line).groups() for line in lines])


def host(anachron, oracle, top):
    rows = []
    differences = output(oracle, "--differences").split(OPEN)[0].rstrip()
    for block in re.split(r"\n(?=\S)", differences):
        head, *rest = block.splitlines()
        name, where = re.match(r"(\S+) \((.*)\)", head).groups()
        text = {}
        for line in rest:
            key, value = line.strip().split(": ", 1)
            text[key] = value
        rows.append((f"`{name}`", where, text["not compared"], text["because"]))
    return table(("name", "host", "not compared", "because"), rows)


def capstone(anachron, oracle, top):
    source = (top / "tests" / "insn" / "capstone_differences.def").read_text()
    rows = []
    for match in re.finditer(r'^DIFFERENCE\((.*?), "(.*?)", "(.*?)", .*?, "(.*?)", "(.*?)"\)$',
                             source, re.M):
        _, ours, theirs, why, where = match.groups()
        names = theirs if ours == "-" else ours
        words = names.split()
        if len(words) > 6:
            names = " ".join(words[:5]) + f" and {len(words) - 5} more"
        rows.append((names.replace("*", "any"), why, where))
    if len(rows) != source.count("\nDIFFERENCE("):
        sys.exit("conformance: capstone_differences.def has rows of another form")
    return table(("instructions", "why the decoder is right", "SDM"), rows)


PARTS = {"classes": classes, "models": models, "silicon": silicon, "host": host, "open": undecided,
         "capstone": capstone}


def main():
    anachron, oracle, top = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    page = top / "docs" / "conformance.md"
    text = page.read_text()
    made = text
    for name, make in PARTS.items():
        begin, end = f"<!-- generated: {name} -->\n", "<!-- end -->"
        if begin not in made:
            sys.exit(f"conformance: {page} has no part {name}")
        before, rest = made.split(begin, 1)
        made = before + begin + make(anachron, oracle, top) + "\n" + end + rest.split(end, 1)[1]
    if sys.argv[4:] == ["--write"]:
        page.write_text(made)
    elif made != text:
        sys.exit(f"conformance: the generated parts of {page} are out of date: "
                 "ninja -C build conformance")
    return 0


if __name__ == "__main__":
    sys.exit(main())
