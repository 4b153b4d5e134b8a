#!/usr/bin/env bash
# From nothing to the documentation, docs/_build/html/index.html. A warning is an error.
set -euo pipefail
cd "$(dirname "$0")/.."
STACK=maintained dev/setup_env.sh
# Pages of modules that are gone would stay.
rm -rf docs/_build docs/reference
.venv/bin/python -m sphinx --fail-on-warning --keep-going --quiet -b html docs docs/_build/html
echo 'docs/_build/html/index.html'
