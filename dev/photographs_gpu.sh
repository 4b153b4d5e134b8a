#!/usr/bin/env bash
# Train EfficientNet-Lite2 on the photographs of animals, end to end, on a machine that has a GPU and torch, and neither
# our packages nor a network. mBCE + KD and DKD, fine-tuning and joint training run side by side, 60 epochs a step.
#   dev/photographs_gpu.sh pack               here: puts data, weights and packages into .gpu/, about 50 MB
#   dev/photographs_gpu.sh run OUT [OPTIONS]  there, in the same checkout with its .gpu/: tables, figure and logs into OUT
# OPTIONS go to each `mmseg-dkd compare`. What is not finished after LIMIT seconds (500) is ended, and the tables have the rest.
# "pack" needs the environment of dev/setup_env.sh, and what docs/photographs.md says: the data with their lists, and
# pretrained/efficientnet_lite2.pth. Images are packed at a long side of 256 pixels, as JPEG of quality 60.
set -euo pipefail
repository=$(cd "$(dirname "$0")/.." && pwd)
packed=$repository/.gpu
scenario=voc-animals_3-1_lite2-60e

pack() {
    cd "$repository"
    mkdir -p "$packed"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    mkdir "$work/pretrained"
    cp pretrained/efficientnet_lite2.pth "$work/pretrained/"
    .venv/bin/python dev/shrink_photographs.py data/VOCdevkit/VOC2012 "$work/data/VOCdevkit/VOC2012"
    tar -C "$work" -cJf "$packed/photographs.tar.xz" data pretrained
    # Packages without compiled parts, and what says which versions they are.
    cd .venv/lib/python3*/site-packages
    tar -cJf "$packed/site.tar.xz" --exclude=__pycache__ --exclude=mmseg/.mim \
        mmcv mmengine mmseg addict yapf yapf_third_party termcolor ftfy prettytable wcwidth platformdirs \
        onedl_*.dist-info addict-*.dist-info
    ls -l "$packed"
}

run() {
    mkdir -p "$1"
    out=$(cd "$1" && pwd)
    shift
    work=$(mktemp -d)
    mkdir "$work/site"
    tar -C "$work" -xf "$packed/photographs.tar.xz"
    tar -C "$work/site" -xf "$packed/site.tar.xz"
    cd "$work"
    export PYTHONPATH=$repository:$work/site OMP_NUM_THREADS=2
    compare="python3 -m mmseg_dkd compare --work-dir $work/runs"
    for group in "kd dkd" finetune joint; do
        configs=()
        for method in $group; do
            name=$scenario
            [ "$method" = joint ] && name=voc-animals_lite2-60e
            configs+=("$repository/configs/$method/$name.py")
        done
        all+=("${configs[@]}")
        timeout "${LIMIT:-500}" $compare "${configs[@]}" "$@" > "$out/${group// /_}.log" 2>&1 &
    done
    wait
    $compare "${all[@]}" --report "$@" | tee "$out/report.txt"
    cp "$work"/runs/{table.md,runs.csv,forgetting.md,curves.png} "$out/"
    tail -n 2 "$out"/*.log
}

case "${1:-}" in
    pack) pack ;;
    run) shift; run "$@" ;;
    *) sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
