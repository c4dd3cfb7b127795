#!/bin/bash
# All of PMC on a SLURM cluster: `make array TASKS=64` writes this file for 64 tasks, `bash array.sh` queues its steps, each
# behind the one before. What was killed goes on where it stopped: queue the same again, or one step of some tasks with
# `sbatch --array=3,5-9 array.sh run`, as `pmc15m status --shares 64` names them. The limits of requests are shared out.
#SBATCH --job-name=pmc15m --cpus-per-task=16 --mem=32G --time=2-00:00:00 --requeue
#SBATCH --output=pmc15m-%a.log --open-mode=append
set -eu
TASKS=64 WORKSPACE=data
if [ -z "${SLURM_ARRAY_TASK_ID:-}" ]; then
  after=()
  for step in run curate curate export; do # curate twice: captions, then groups and pairs, which need those of all
    job=$(sbatch --parsable --array="0-$((TASKS - 1))" "${after[@]}" "$0" "$step")
    after=(--dependency="afterany:$job")
  done
  exec sbatch --array=0 "${after[@]}" "$0" finish
fi
share=(--shard "$SLURM_ARRAY_TASK_ID/$TASKS")
if [ "$1" = finish ]; then set -- run && share=(); fi # what is left, other exports, the report
exec pmc15m "$1" --workspace "$WORKSPACE" --workers "$SLURM_CPUS_PER_TASK" "${share[@]}"
