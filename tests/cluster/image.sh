#!/usr/bin/env bash
# The image of cluster/Dockerfile: builds it around a static program and filters a report in it.
#
#     tests/cluster/image.sh STATIC_PROGRAM SCRATCH
#
# Nothing is fetched: the image begins from nothing. Needs root; installs buildah from Debian where
# it is missing. `buildah run` with chroot isolation runs it, which needs no namespaces of its own.
set -euo pipefail

[ $# = 2 ] || {
    echo "usage: image.sh STATIC_PROGRAM SCRATCH" >&2
    exit 2
}
repository=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
program=$(realpath "$1")
mkdir -p "$2"
scratch=$(realpath "$2")/image
mkdir "$scratch"
container=
finish() {
    [ -z "$container" ] || buildah rm "$container" >/dev/null || true
    buildah rmi --force s3sieve-test >/dev/null 2>&1 || true
    rm -rf "$scratch"
}

command -v buildah >/dev/null || {
    apt-get update -qq && apt-get install -y -qq --no-install-recommends buildah ca-certificates
} >/dev/null
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
trap finish EXIT

cp "$program" "$scratch/s3sieve"
cp /etc/ssl/certs/ca-certificates.crt "$scratch"
timeout 120 buildah build --quiet --network none --file "$repository/cluster/Dockerfile" \
    --tag s3sieve-test "$scratch" >/dev/null
container=$(buildah from --pull-never s3sieve-test)

run() {
    timeout 60 buildah run --volume "$repository/testdata/seed:/report:ro" \
        --volume "$scratch:/out" "$container" -- /usr/local/bin/s3sieve "$@"
}
run --version
manifest=/report/demoinv/batchoperationsdemo/DemoInventory/2019-05-24T00-00Z/manifest.json
for part in 0 1; do
    run filter "$manifest" --where "BucketKeyStatus = 'DISABLED'" --partition "$part/2" \
        --out /out/plan >/dev/null
done
run merge /out/plan
cat "$scratch"/plan/part-*/manifests/*.csv | cmp - "$repository/testdata/seed/expected.csv"
echo "the image filters a report: $(du -h "$program" | cut -f 1)"
