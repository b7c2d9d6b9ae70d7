#!/usr/bin/env python3
"""Counts the results in a meson testlog.json: prints "passed failed skipped"."""

import collections
import json
import sys

counts = collections.Counter()
with open(sys.argv[1]) as log:
    for line in log:
        counts[json.loads(line)["result"]] += 1
passed = counts.pop("OK", 0) + counts.pop("EXPECTEDFAIL", 0)
skipped = counts.pop("SKIP", 0)
print(passed, sum(counts.values()), skipped)
