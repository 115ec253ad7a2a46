# Rust for 64-bit ARM on another machine: a compiler, the target's standard library, a linker and an
# emulator. To be sourced after steps.sh. CONTRIBUTING.md ("Other processors") says why it is so.

aarch64=aarch64-unknown-linux-gnu

# Where Debian's compiler is unpacked; kept between runs.
aarch64_folder=target/debian-rust

# Sets up the environment in which `cargo --target $aarch64` builds, and its tests run.
aarch64_toolchain() {
    need_debian qemu-aarch64-static qemu-user-static
    need_debian aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64-static -L \
/usr/aarch64-linux-gnu"
    # Another compiler's: cargo would build all anew each time the two take turns.
    export CARGO_TARGET_DIR=target/aarch64
    if timeout 300 rustup target add "$aarch64"; then
        aarch64_clippy=(cargo clippy)
        return
    fi
    echo "rustup could not get $aarch64; Debian's compiler is taken instead"
    debian_rust
    local unpacked=$PWD/$aarch64_folder/unpacked/usr
    export LD_LIBRARY_PATH=$unpacked/lib/x86_64-linux-gnu RUSTC=$unpacked/bin/rustc
    CARGO=$(rustup which cargo 2>/dev/null || command -v cargo)
    export CARGO
    aarch64_clippy=("$unpacked/bin/cargo-clippy" clippy)
}

# Debian keeps a recent compiler for its browsers, rustc-web, with the standard library of each of
# its processors. They are only unpacked: installed, they would take the place of what is there.
debian_rust() {
    local folder=$aarch64_folder options std llvm package
    [ ! -x "$folder/unpacked/usr/bin/clippy-driver" ] || return 0
    rm -rf "$folder"
    mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial" "$folder/packages"
    folder=$PWD/$folder
    options=(-qq -o Dir::State::lists="$folder/lists" -o Dir::Cache="$folder/cache"
        -o APT::Sandbox::User=root -o APT::Architectures::=amd64 -o APT::Architectures::=arm64)
    apt-get "${options[@]}" update
    std=$(debian_needs libstd-rust-web-dev 'libstd-rust-web-[0-9.]+')
    llvm=$(debian_needs "$std" 'libllvm[0-9]+')
    (cd "$folder/packages" && apt-get "${options[@]}" download rustc-web rust-web-clippy \
        libstd-rust-web-dev libstd-rust-web-dev:arm64 "$std" "$llvm")
    for package in "$folder"/packages/*.deb; do
        dpkg -x "$package" "$folder/unpacked"
    done
    rm -rf "$folder/packages" "$folder/lists" "$folder/cache"
}

# debian_needs PACKAGE PATTERN: the first package of this name that it depends on.
debian_needs() {
    apt-cache "${options[@]}" depends "$1" | grep -oEm 1 "Depends: $2\$" | sed 's/.*: //'
}

# The library and the program compile without a warning, and the unit tests of the layers that have
# code for each processor pass in an emulator.
aarch64() {
    aarch64_toolchain
    "${aarch64_clippy[@]}" "${offline[@]}" --target "$aarch64" --quiet -- -D warnings
    "${aarch64_clippy[@]}" -p s3sieve --no-default-features --features parquet,orc --lib --tests \
        --target "$aarch64" --quiet -- -D warnings
    cargo test -p s3sieve --no-default-features --features parquet,orc --lib \
        --target "$aarch64" --quiet -- format:: predicate::
}
