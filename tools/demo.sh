#!/usr/bin/env bash
# From nothing to the demo's result: environment, data, pretrained backbone, three steps of DKD.
# Arguments go to incremental_train.py.
set -euo pipefail
cd "$(dirname "$0")/.."
dev/setup_env.sh
.venv/bin/python tools/prepare_demo.py
.venv/bin/python tools/incremental_train.py configs/dkd/fashion_4-2.py "$@"
