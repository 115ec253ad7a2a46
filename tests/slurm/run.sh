#!/usr/bin/env bash
# Filters a report as a Slurm array, with `cluster/slurm`, while nodes and programs are killed, and
# holds the merged plan against one machine's.
#
#     tests/slurm/run.sh PROGRAM SCRATCH
#
# PROGRAM is s3sieve; SCRATCH is a folder, in which a new one is made and removed again. Brings up
# its own Slurm (`cluster.sh`; needs Debian and root). Ends only what it started, by process id.
set -euo pipefail

[ $# = 2 ] || {
    echo "usage: run.sh PROGRAM SCRATCH" >&2
    exit 2
}
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/slurm/wait.sh
source "$here/wait.sh"
scripts=$(cd "$here/../../cluster/slurm" && pwd)
PROGRAM=$(realpath "$1")
mkdir -p "$2"
SCRATCH=$(mktemp -d -p "$(realpath "$2")")
export PROGRAM SCRATCH S3SIEVE=$here/program.sh
# Of whoever started this, should that be a task of an array itself.
unset SLURM_ARRAY_TASK_ID AWS_BATCH_JOB_ARRAY_INDEX JOB_COMPLETION_INDEX

cluster=$SCRATCH/cluster
work=$SCRATCH/work
out=$work/out
parts=12
where="BucketKeyStatus = 'DISABLED'"
export SLURM_CONF=$cluster/slurm.conf

step() {
    echo "$SECONDS s: $*"
}

die() {
    echo "FAILED: $*" >&2
    exit 1
}

finish() {
    local status=$? line pid
    trap - EXIT
    if [ "$status" != 0 ]; then
        {
            timeout 5 squeue 2>/dev/null
            tail -n 30 "$work"/*.out "$cluster/slurmctld.log"
        } >&2 || true
    fi
    # Attempts that outlived their node: what runs with this folder, of the recorded ones.
    while read -r line; do
        pid=${line#* }
        ! grep -qsz "^SCRATCH=$SCRATCH$" "/proc/$pid/environ" || kill -9 "$pid" 2>/dev/null || true
    done < <(cat "$SCRATCH/started" 2>/dev/null)
    "$here/cluster.sh" down "$cluster" || true
    rm -rf "$SCRATCH"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

# attempts PARTITION: how often the program was started for it.
attempts() {
    grep -c "^$1 " "$SCRATCH/started" || true
}

at_least() {
    [ "$(attempts "$1")" -ge "$2" ]
}

# hold PARTITION: its attempts stop themselves before they begin, until `let_go`.
hold() {
    touch "$SCRATCH/hold-$1"
}

let_go() {
    rm "$SCRATCH/hold-$1"
}

# caught PARTITION ATTEMPT OUT: lets that attempt of a held partition run into its middle, and stops
# it there. Sets `pid`.
caught() {
    local folder
    wait_until 30 "attempt $2 of partition $1" at_least "$1" "$2"
    pid=$(sed -n "s/^$1 //p" "$SCRATCH/started" | sed -n "$2p")
    folder=$("$here/catch.py" "$pid" "$3/.attempts" "$(printf 'part-%05d.' "$1")" 30)
    step "attempt $2 of partition $1 is held in mid-run (process $pid, $folder)"
}

job_state() {
    timeout 5 scontrol show job "$1" | sed -n 's/ *JobState=\([A-Z_]*\).*/\1/p'
}

# over JOB...: whether these jobs, with all tasks of an array, have left the queue.
over() {
    [ -z "$(timeout 5 squeue -h -j "$(IFS=,; echo "$*")" -o %i 2>&1)" ]
}

# kill_node NODE PID...: the node's daemon and these processes die, and Slurm is told at once.
kill_node() {
    local node=$1
    shift
    kill -9 "$(cat "$cluster/slurmd-$node.pid")" "$@"
    timeout 5 scontrol update nodename="$node" state=down reason=killed
}

# revive NODE: its daemon is started again, and Slurm takes it back.
revive() {
    timeout 10 "$here/cluster.sh" node "$cluster" "$1"
    wait_until 20 "node $1 to return" in_service "$1"
}

in_service() {
    timeout 5 sinfo -h -n "$1" -o %T | grep -qE '^(idle|allocated)$'
}

submit() {
    timeout 20 sbatch --parsable --cpus-per-task=1 "$@"
}

# of_slurm PID: a held program's task script and Slurm's process above it. Sets `script`, `daemon`.
of_slurm() {
    script=$(parent_of "$1")
    daemon=$(parent_of "$script")
    [ "$(name_of "$daemon")" = slurmstepd ] || die "the program is not a child of the task's script"
}

mkdir "$work"
touch "$SCRATCH/started"
cd "$work"
timeout 60 "$PROGRAM" synth --columns bucket-keys --rows 240000 --files 48 --out "$SCRATCH/report" \
    >/dev/null
report=$(echo "$SCRATCH"/report/*/*/*/manifest.json)
[ -e "$report" ] || die "synth made no report"
filter=("$parts" "$out" "$report" --where "$where")
timeout 60 "$PROGRAM" filter "$report" --where "$where" --partitions "$parts" --threads 2 \
    --out "$SCRATCH/reference" >/dev/null
step "the reference is there"

# Without Slurm, where both exit codes are seen: one attempt makes the part while another is in its
# middle.
hold 5
racers=()
for attempt in 1 2; do
    SLURM_ARRAY_TASK_ID=5 timeout 60 "$S3SIEVE" filter "$report" --where "$where" \
        --partition "env/$parts" --threads 1 --out "$work/raced" >"race-$attempt.txt" 2>&1 &
    racers+=($!)
done
caught 5 1 "$work/raced"
first=$pid
caught 5 2 "$work/raced"
let_go 5
kill -CONT "$first"
wait_until 20 "the first of two attempts" ended "$first"
kill -CONT "$pid"
for racer in "${racers[@]}"; do
    wait "$racer" || die "one of two attempts: exit code $?: $(cat race-*.txt)"
done
same=$(cat race-*.txt | grep -c "was there already" || true)
[ "$same" = 1 ] || die "of two attempts, $same found the other's part"
rm "$SCRATCH/started"
touch "$SCRATCH/started"
step "two attempts, one part"

timeout 480 "$here/cluster.sh" up "$cluster"
step "two nodes are up"

# A node dies in the middle of partition 2, and the program alone in that of partition 4.
hold 2
hold 4
array=$(submit --array=0-5 "$scripts/filter.sbatch" "${filter[@]}")
caught 2 1 "$out"
let_go 2
node=$(timeout 5 squeue -h -j "${array}_2" -o %N)
of_slurm "$pid"
kill_node "$node" "$daemon" "$script" "$pid"
step "node $node was killed with all that ran on it"
revive "$node"
caught 4 1 "$out"
let_go 4
kill -9 "$pid"
step "the program of partition 4 was killed"
wait_until 40 "the tasks 0 to 5" over "$array"
for k in 0 1 2 3 4 5; do
    wanted=1
    [[ $k != [24] ]] || wanted=2
    [ "$(attempts $k)" = $wanted ] || die "partition $k: $(attempts $k) attempts, not $wanted"
done
step "tasks 0 to 5 are done"

code=0
timeout 10 "$PROGRAM" merge "$out" >merge.txt 2>&1 || code=$?
[ "$code" = 5 ] || die "merge of six parts: exit code $code, not 5"
grep -qx "Missing: 6-11" merge.txt || die "merge says: $(cat merge.txt)"
[ ! -e "$out/plan.json" ] || die "a plan of six parts"

# The others, and the merge after them. The daemons of a node die, the program that ran there does
# not: partition 7 runs twice at the same time.
hold 7
read -r _ array _ merge < <(timeout 20 "$scripts/submit.sh" --cpus-per-task=1 --array=6-11 \
    "${filter[@]}")
caught 7 1 "$out"
first=$pid
node=$(timeout 5 squeue -h -j "${array}_7" -o %N)
of_slurm "$first"
kill_node "$node" "$daemon"
step "the daemons of node $node were killed, partition 7 lives on"
caught 7 2 "$out"
let_go 7
kill -CONT "$first" "$pid"
wait_until 20 "the first attempt of partition 7" ended "$first"
wait_until 20 "the second attempt of partition 7" ended "$pid"
revive "$node"
wait_until 40 "the tasks 6 to 11 and the merge" over "$array" "$merge"
same=$(grep -c "was there already" "s3sieve-${array}_7.out" || true)
[ "$same" = 1 ] || die "of two attempts at the same time, $same found the other's part"
[ "$(job_state "${array}_7")" = COMPLETED ] || die "partition 7: $(job_state "${array}_7")"
[ "$(job_state "$merge")" = COMPLETED ] || die "the merge: $(job_state "$merge")"
"$here/compare.py" "$out" "$SCRATCH/reference"
step "merged, and compared with one machine's plan"

# Once more is nothing to do.
array=$(submit --array=3 "$scripts/filter.sbatch" "${filter[@]}")
wait_until 20 "the task of a part that is there" over "$array"
[ "$(job_state "${array}_3")" = COMPLETED ] || die "a part that is there: $(job_state "${array}_3")"
timeout 10 "$PROGRAM" merge "$out" >/dev/null
"$here/compare.py" "$out" "$SCRATCH/reference"

# What is final is not tried again: a column that isn't there, and a task that was cancelled.
array=$(submit --array=1 "$scripts/filter.sbatch" "$parts" "$work/out-2" "$report" \
    --where "NoSuchColumn = 1")
wait_until 20 "the task with a wrong question" over "$array"
state=$(job_state "${array}_1")
[ "$state" = FAILED ] || die "the task with a wrong question: $state"
[ "$(attempts 1)" = 2 ] || die "a wrong question was asked again"
hold 0
array=$(submit --array=0 "$scripts/filter.sbatch" "$parts" "$work/out-3" "$report" \
    --where "$where")
caught 0 2 "$work/out-3"
timeout 5 scancel "${array}_0"
wait_until 20 "the cancelled task" over "$array"
wait_until 10 "the cancelled program" ended "$pid"
state=$(job_state "${array}_0")
[ "$state" = CANCELLED ] || die "the cancelled task: $state"
left=$(find "$work/out-3" -path '*/.attempts/*' -prune -print)
[ -z "$left" ] || die "a cancelled task left its attempt behind: $left"
step "$parts partitions on Slurm: a node killed, a program killed, one twice at once; the same plan"
