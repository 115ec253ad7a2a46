# shellcheck shell=bash
# To be sourced: waiting with an end, and processes by their recorded ids.

# wait_until SECONDS WHAT COMMAND...: polls until the command succeeds; fails when the time is over,
# and says what it waited for.
wait_until() {
    local end=$((SECONDS + $1)) seconds=$1 what=$2
    shift 2
    until "$@"; do
        if [ "$SECONDS" -ge "$end" ]; then
            echo "waited $seconds s in vain for $what" >&2
            return 1
        fi
        sleep 0.05
    done
}

# name_of PID: the name of a process (15 letters at most); fails where it has ended.
name_of() {
    [ -n "$1" ] && cat "/proc/$1/comm" 2>/dev/null
}

parent_of() {
    sed -n 's/^PPid:\t//p' "/proc/$1/status"
}

# ended PID: whether it has ended, also where its parent has not asked for its exit code.
ended() {
    local state
    state=$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null) || return 0
    [ "$state" = Z ] || [ -z "$state" ]
}
