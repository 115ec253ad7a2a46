#!/usr/bin/env bash
# Filters a report with N tasks of a Slurm array, and merges the partitions into one plan.
#
#     submit.sh [SBATCH_OPTION...] N OUT MANIFEST_JSON --where "BucketKeyStatus = 'DISABLED'"
#
# Options before N are sbatch's, for the array alone and each in one word: --cpus-per-task=8, or
# --array=3,7,40-43 for the partitions that are missing. What both jobs need is given by sbatch's
# variables (SBATCH_PARTITION, SBATCH_ACCOUNT). Prints both job ids; the merge runs when all tasks
# have ended, and where one has failed, its output names the missing partitions (exit code 5).
set -euo pipefail

options=()
while [[ ${1-} == -* ]]; do
    options+=("$1")
    shift
done
if [[ $# -lt 3 || ! $1 =~ ^[1-9][0-9]*$ ]]; then
    echo "usage: submit.sh [SBATCH_OPTION...] N OUT MANIFEST_JSON OPTION..." >&2
    exit 2
fi

array=$(sbatch --parsable --array="0-$(($1 - 1))" "${options[@]}" \
    "$(dirname "$0")/filter.sbatch" "$@")
array=${array%%;*}
export OUT=$2
merge=$(sbatch --parsable --dependency="afterany:$array" --job-name=s3sieve-merge \
    --output=%x-%j.out <<'SCRIPT'
#!/bin/sh
exec "${S3SIEVE:-s3sieve}" merge "$OUT"
SCRIPT
)
echo "filter $array merge ${merge%%;*}"
