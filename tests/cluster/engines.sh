# shellcheck shell=bash disable=SC2034
# What spark.sh and ray.sh have in common: waits that end, a program whose chosen attempts are held
# until the test lets them go, and the comparison of plans. To be sourced with PROGRAM and SCRATCH.
#
# Only processes are ended whose numbers were recorded when they started.

if [ $# -ne 2 ]; then
    echo "usage: $0 PROGRAM SCRATCH_FOLDER" >&2
    exit 2
fi
program=$(realpath "$1")
mkdir -p "$2"
scratch=$(realpath "$2")
repository=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")

readonly partitions=12
where="BucketKeyStatus = 'DISABLED'"
# A held attempt gives up by itself, so that nothing is left if this script is killed.
readonly held_seconds_max=300
started=()
temporary=()
trap clean_up EXIT

fail() {
    printf 'FAILED after %s s: %s\n' "$SECONDS" "$1" >&2
    exit 1
}

step() {
    printf '%4s s  %s\n' "$SECONDS" "$1"
}

# await SECONDS NAME COMMAND...: waits until the command succeeds, for so long at most.
await() {
    local deadline=$((SECONDS + $1)) name=$2
    shift 2
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || fail "waited in vain for $name"
        sleep 0.1
    done
}

# Whether a process has ended; so has one whose exit code is not read yet.
ended() {
    local state
    state=$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) || return 0
    [ -z "$state" ] || [ "$state" = Z ]
}

# The arguments of a process, one a line; none where it has ended.
command_line() {
    { tr '\0' '\n' <"/proc/$1/cmdline"; } 2>/dev/null || true
}

# end PROCESS...: asks them to end, then makes them.
end() {
    local process
    kill "$@" 2>/dev/null || true
    for process; do
        for _ in {1..50}; do
            ended "$process" && break
            sleep 0.1
        done
        ended "$process" || kill -KILL "$process" 2>/dev/null || true
    done
}

clean_up() {
    local status=$? file process
    trap - EXIT
    if [ "$status" -ne 0 ]; then
        tail -n 20 "$scratch"/logs/*.log 2>/dev/null || true
    fi
    for file in "$scratch"/*/attempts/*/pid; do
        process=$(cat "$file" 2>/dev/null) || continue
        # The number may belong to another process by now.
        command_line "$process" | grep -qF "$scratch" || continue
        end "$process"
    done
    # In reverse: what was started later depends on what was started before.
    for ((number = ${#started[@]} - 1; number >= 0; number--)); do
        end "${started[number]}"
    done
    rm -rf -- "${temporary[@]}"
    exit "$status"
}

# start NAME COMMAND...: starts a process that stays; its number is in $process.
start() {
    local name=$1
    shift
    "$@" >"$scratch/logs/$name.log" 2>&1 </dev/null &
    process=$!
    started+=("$process")
}

# ancestor PROCESS TEXT: the nearest process above it whose command line contains the text.
ancestor() {
    local process=$1
    while [ "$process" -gt 1 ]; do
        process=$(awk '/^PPid:/ {print $2}' "/proc/$process/status")
        if command_line "$process" | grep -qF -- "$2"; then
            echo "$process"
            return
        fi
    done
    return 1
}

free_port() {
    python3 -c 'import socket
print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])'
}

# install PACKAGE MODULE: a package from PyPI in a virtual environment below the scratch folder,
# unless its module is there.
install() {
    python=$scratch/venv/bin/python
    [ -x "$scratch/venv/bin/pip" ] || python3 -m venv "$scratch/venv"
    "$python" -c "import $2" 2>/dev/null ||
        timeout 300 "$python" -m pip install --quiet --disable-pip-version-check "$1"
    step "$1 is installed"
}

# The report, and the plan that one machine makes of it, in $scratch/one.
prepare() {
    rm -rf "$scratch/report" "$scratch/one" "$scratch/logs"
    mkdir "$scratch/logs"
    "$program" synth --columns bucket-keys --rows 480000 --files 48 --odd-keys 0.1 \
        --out "$scratch/report" >/dev/null
    manifest=$(find "$scratch/report" -name manifest.json)
    timeout 120 "$program" filter "$manifest" --where "$where" --partitions "$partitions" \
        --threads 1 --out "$scratch/one" >"$scratch/logs/one.log" 2>&1
    step "one machine's plan is made"
}

# begin RUN PARTITION...: a folder for a run, in which `s3sieve` is the program, but the first
# attempts at these partitions wait until they are let go.
begin() {
    run=$scratch/$1
    shift
    rm -rf "$run"
    mkdir -p "$run/attempts" "$run/held"
    for partition; do
        touch "$run/held/$partition"
    done
    cat >"$run/s3sieve" <<EOF
#!/usr/bin/env bash
run=$run partition= previous=
for argument; do
    [ "\$previous" != --partition ] || partition=\${argument%%/*}
    previous=\$argument
done
if [ -n "\$partition" ]; then
    attempt=1
    until mkdir "\$run/attempts/\$partition.\$attempt" 2>/dev/null; do
        attempt=\$((attempt + 1))
    done
    echo \$\$ >"\$run/attempts/\$partition.\$attempt/pid"
    while [ "\$attempt" = 1 ] && [ -e "\$run/held/\$partition" ]; do
        [ "\$SECONDS" -lt $held_seconds_max ] || exit 1
        sleep 0.1
    done
fi
exec $program "\$@"
EOF
    chmod +x "$run/s3sieve"
}

# await_attempt PARTITION NUMBER: waits until it runs; its process is in $attempt.
await_attempt() {
    local file=$run/attempts/$1.$2/pid
    await 90 "attempt $2 at partition $1" test -s "$file"
    attempt=$(cat "$file")
}

let_go() {
    rm "$run/held/$1"
}

# await_driver PROCESS [CODE]: waits for a driver, which must end with this exit code.
await_driver() {
    local code=0
    await 120 "the driver of $run" ended "$1"
    wait "$1" || code=$?
    [ "$code" -eq "${2:-0}" ] || fail "the driver of $run ended with exit code $code"
}

# Waits for attempts that have outlived their workers, and compares the plan with one machine's.
compare() {
    local file
    for file in "$run"/attempts/*/pid; do
        await 60 "the end of $file" ended "$(cat "$file")"
    done
    # How long it took is the one thing that may differ.
    diff -r --exclude=.attempts --ignore-matching-lines='^ *"seconds": [0-9.]*,*$' \
        "$scratch/one" "$run/out" || fail "$run/out differs from one machine's"
    step "the same plan; attempts at each partition: $(attempts)"
}

# After a question that every partition refuses: each was tried once, and the driver reports
# all of them together.
compare_refusals() {
    [ "$(attempts)" = "$(printf '1 %.0s' $(seq "$partitions"))" ] ||
        fail "a final exit code was tried again: $(attempts)"
    grep -q "^partition [0-9]* and $((partitions - 1)) more: exit code 3: .*NoColumn" "$1" ||
        fail "$1 does not say what was wrong"
    step "a wrong question was asked once"
}

# How many attempts at each partition there were.
attempts() {
    local partition folders
    for ((partition = 0; partition < partitions; partition++)); do
        folders=("$run/attempts/$partition".*)
        printf '%s ' "${#folders[@]}"
    done
}
