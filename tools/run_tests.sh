#!/usr/bin/env bash
# From nothing to the tests' result: environment, lint, types, tests, one process a core. Arguments go to pytest.
# STACK=original: the tests alone, on the original distributions (dev/setup_env.sh).
set -euo pipefail
cd "$(dirname "$0")/.."
dev/setup_env.sh
tests=(-m pytest --numprocesses auto --dist worksteal "$@")
if [ "${STACK:-maintained}" = original ]; then
    exec .venv-original/bin/python "${tests[@]}"
fi
.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/mypy
.venv/bin/python "${tests[@]}"
