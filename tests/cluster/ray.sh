#!/usr/bin/env bash
# cluster/ray/filter.py on Ray on this machine: a head, and two nodes of one processor. A raylet and
# the program are killed in mid-run; the plan must be that of one machine.
#
#     tests/cluster/ray.sh target/debug/s3sieve /tmp/ray-test
#
# Takes about a minute and 1 GiB of memory. Installs ray from PyPI (300 MB) into SCRATCH/venv where
# it is missing.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=engines.sh
source "$(dirname "$0")/engines.sh"

install ray ray
prepare

export RAY_USAGE_STATS_ENABLED=0
# A node that doesn't answer is given up after some seconds instead of half a minute.
export RAY_health_check_initial_delay_ms=1000 RAY_health_check_period_ms=1000
export RAY_health_check_timeout_ms=2000 RAY_health_check_failure_threshold=3
port=$(free_port)
readonly address=127.0.0.2:$port
# Sockets are in there, whose paths have 107 characters at most.
sessions=$(mktemp -d -p /tmp)
temporary+=("$sessions")

# start_node NAME HOST OPTION...: its processes end with the one that is started here.
start_node() {
    start "$1" "$scratch/venv/bin/ray" start --block --node-ip-address "$2" \
        --object-store-memory 80000000 "${@:3}"
    await 60 "$1 of Ray" grep -qs 'Ray runtime started' "$scratch/logs/$1.log"
}

# No task runs on the head: a raylet can be killed without the driver's own. Ray takes 127.0.0.1
# for a machine that has no address yet, and looks for another one.
start_node head 127.0.0.2 --head --port "$port" --num-cpus 0 --include-dashboard false \
    --temp-dir "$sessions"
start_node node-3 127.0.0.3 --address "$address" --num-cpus 1
start_node node-4 127.0.0.4 --address "$address" --num-cpus 1
step "Ray is up"

# submit RUN PARTITION...: the driver in the background, these partitions held; it is in $driver.
submit() {
    begin "$@"
    start "$1" "$python" "$repository/cluster/ray/filter.py" --address "$address" \
        --partitions "$partitions" --out "$run/out" --program "$run/s3sieve" \
        -- "$manifest" --where "$where"
    driver=$process
}

submit raylet 5 8
await_attempt 5 1
kill -KILL "$(ancestor "$attempt" raylet/raylet)"
step "killed the raylet of partition 5"
# One processor is left: partition 8 holds it until its program is killed.
await_attempt 8 1
kill -KILL "$attempt"
step "killed the program at partition 8"
await_attempt 8 2
await_attempt 5 2
let_go 5
await_driver "$driver"
compare

where="NoColumn = 1"
submit refusal
await_driver "$driver" 3
compare_refusals "$scratch/logs/refusal.log"
