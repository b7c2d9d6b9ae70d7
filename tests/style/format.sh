#!/bin/sh
# Checks that every C file is formatted as .clang-format says. Run alone: tests/style/format.sh [top]
set -eu
cd "${1:-.}"
git ls-files '*.c' '*.h' | xargs clang-format --dry-run --Werror
echo "format: $(git ls-files '*.c' '*.h' | wc -l) files"
