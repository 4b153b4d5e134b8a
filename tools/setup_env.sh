#!/usr/bin/env bash
# Make the virtual environment .venv with the tested versions: tools/setup_env.sh
# PYTHON chooses the interpreter. An environment that is complete is left as it is.
set -euo pipefail
cd "$(dirname "$0")/.."
stamp=.venv/installed
if [ ! -e "$stamp" ] || [ constraints.txt -nt "$stamp" ] || [ setup.py -nt "$stamp" ]; then
    "${PYTHON:-python3}" -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check -c constraints.txt torch
    .venv/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[demo,docs,tests]'
    touch "$stamp"
fi
