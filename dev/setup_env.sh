#!/usr/bin/env bash
# Make a virtual environment with the tested versions: dev/setup_env.sh
# PYTHON chooses the interpreter. With STACK=original it is .venv-original, with the original distributions of mmcv,
# mmengine and mmsegmentation instead of the maintained ones: their mmcv is compiled, which takes 20 minutes of processor
# time once; pip keeps it in its cache. An environment that is complete is left as it is.
set -euo pipefail
cd "$(dirname "$0")/.."
case "${STACK:-maintained}" in
    maintained) env=.venv ;;
    original) env=.venv-original ;;
    *) echo "STACK=$STACK: must be maintained or original" >&2; exit 2 ;;
esac
stamp=$env/installed
if [ -e "$stamp" ] && [ ! constraints.txt -nt "$stamp" ] && [ ! setup.py -nt "$stamp" ]; then
    exit 0
fi
"${PYTHON:-python3}" -m venv "$env"
install="$env/bin/pip install --quiet --disable-pip-version-check"
$install -c constraints.txt torch
if [ $env = .venv ]; then
    $install -c constraints.txt -e '.[demo,docs,lite,tests]'
else
    # mmcv's setup.py imports torch and pkg_resources; mmsegmentation does not name ftfy and regex, which it imports.
    $install -c constraints.txt setuptools wheel ninja psutil
    # Debug information, which distutils asks for, is two fifths of the compiling.
    CFLAGS=-g0 MMCV_WITH_OPS=1 $install -c constraints.txt --no-build-isolation --no-binary mmcv \
        mmcv==2.1.0 mmengine==0.10.7 mmsegmentation==1.2.2 ftfy regex
    # Without --no-deps pip would bring the maintained distributions, which have the same modules.
    $install --no-build-isolation --no-deps -e .
    $env/bin/python - > "$env/requirements.txt" <<'END'
from importlib.metadata import requires

for requirement in requires('mmseg_dkd'):
    name, _, extra = requirement.partition('; extra == ')
    if not name.startswith('onedl') and extra.strip('"') in ('', 'demo', 'lite', 'tests'):
        print(name)
END
    $install -c constraints.txt -r "$env/requirements.txt"
fi
touch "$stamp"
