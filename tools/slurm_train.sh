#!/usr/bin/env bash
# All steps of a scenario under SLURM: tools/slurm_train.sh PARTITION JOB_NAME CONFIG [arguments of incremental_train.py]
# GPUS (8), GPUS_PER_NODE (8, or GPUS if that is less), CPUS_PER_TASK (5), PORT (29500) and SRUN_ARGS are taken from the environment.
set -euo pipefail
if [ $# -lt 3 ]; then
    echo "usage: $0 PARTITION JOB_NAME CONFIG [arguments of incremental_train.py]" >&2
    exit 2
fi
GPUS=${GPUS:-8}
GPUS_PER_NODE=${GPUS_PER_NODE:-$((GPUS < 8 ? GPUS : 8))}
# mmengine reads it in every task.
export MASTER_PORT=${PORT:-${MASTER_PORT:-29500}}
# SRUN_ARGS holds several words.
# shellcheck disable=SC2086
exec srun -p "$1" \
    --job-name="$2" \
    --gres="gpu:$GPUS_PER_NODE" \
    --ntasks="$GPUS" \
    --ntasks-per-node="$GPUS_PER_NODE" \
    --cpus-per-task="${CPUS_PER_TASK:-5}" \
    --kill-on-bad-exit=1 \
    ${SRUN_ARGS:-} \
    python -u "$(dirname "$0")/incremental_train.py" "$3" --launcher slurm "${@:4}"
