# Where things live, for every script: sourced, never run. All that scripts
# install for this project goes below the build folder, so that deleting that
# folder undoes it and CI can keep it between checkouts.
# shellcheck shell=bash disable=SC2034
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1

target=${CARGO_TARGET_DIR:-target}
[[ $target = /* ]] || target=$root/$target
tools=$target/tools       # cargo-nextest, cargo-deny
venv=$target/test-venv    # schemathesis
node_packages=$target/test-node # playwright, without browsers, and the parser of AsyncAPI
web_packages=$target/web   # what the web client is built with, and the last one built
s3venv=$target/s3-venv    # an S3-compatible server, and NATS
plugins=$target/plugins   # the shipped plugins, as scripts/build leaves them
export CARGO_TARGET_DIR=$target
export PATH=$tools/bin:$PATH

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
