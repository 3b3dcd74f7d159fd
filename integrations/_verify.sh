# What every verify.sh here begins with (it is sourced): a clean home and project folder that are gone afterwards, a
# folder for the client, and words to install it, to check and to skip. Not a program of its own.
#
#   FUSION_URL      the server, with /v1; its models must be simulated (`make clients` starts such a server)
#   FUSION_KEY      a key of it; any text if it has none
#   FUSION_MODEL    the model to ask [fusion]
#   FUSION_CLIENTS  keep installed clients here, for the next time [thrown away]

set -euo pipefail

: "${FUSION_URL:?the address of a running server, like http://127.0.0.1:8377/v1}"
export FUSION_URL FUSION_KEY="${FUSION_KEY:-none}" FUSION_MODEL="${FUSION_MODEL:-fusion}"

folder=$(cd "$(dirname "${BASH_SOURCE[1]}")" && pwd)
client=$(basename "$folder")
python=$("${PYTHON:-python3}" -c 'import sys; print(sys.executable)')
work=$(mktemp -d)
started=()

leave() {
    for process in "${started[@]:-}"; do
        [ -z "$process" ] || { kill "$process" && wait "$process"; } 2>/dev/null || true
    done
    rm -rf "$work"
}
trap leave EXIT
trap 'exit 130' INT TERM

clients="${FUSION_CLIENTS:-$work/clients}/$client"
export HOME="$work/home"
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_STATE_HOME OPENAI_API_KEY OPENAI_BASE_URL OPENAI_API_BASE
mkdir -p "$HOME" "$work/project" "$clients"
clients=$(cd "$clients" && pwd)
cd "$work/project"

say() { echo "$client: $*"; }

fail() {
    say "FAILED: $*" >&2
    exit 1
}

# Exit code 77 means: not proven here, and why.
skip() {
    say "skipped: $*"
    exit 77
}

# pip_client PACKAGE==VERSION ...: its programs are then in $bin.
pip_client() {
    bin="$clients/bin"
    installed "$*" && return
    "$python" -m venv "$clients" || skip "this Python makes no virtual environments"
    "$bin/python" -m pip install --quiet --disable-pip-version-check "$@" 2>"$work/install.log" \
        || { tail -n 5 "$work/install.log" >&2; skip "$* cannot be installed here"; }
    echo "$*" >"$clients/.installed"
}

# npm_client MAJOR PACKAGE@VERSION ...: needs that Node or a newer one; its programs are then in $bin.
npm_client() {
    command -v npm >/dev/null || skip "npm is not installed"
    [ "$(node -p 'process.versions.node.split(".")[0]')" -ge "$1" ] || skip "Node $1 or newer is needed"
    shift
    bin="$clients/node_modules/.bin"
    installed "$*" && return
    npm install --prefix "$clients" --no-audit --no-fund --no-package-lock --loglevel=error "$@" 2>"$work/install.log" \
        >/dev/null || { tail -n 5 "$work/install.log" >&2; skip "$* cannot be installed here"; }
    echo "$*" >"$clients/.installed"
}

installed() { [ "$(cat "$clients/.installed" 2>/dev/null)" = "$1" ]; }

# holds TEXT FILE WHAT: the file holds the text; then WHAT is proven.
holds() {
    grep -qF -- "$1" "$2" 2>/dev/null || { tail -n 30 "$2" >&2 || true; fail "$3"; }
    say "ok: $3"
}

free_port() { "$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# own_server FOLDER: one of ours on simulated models, with these pipelines; its address is then in $url.
own_server() {
    "$python" -c "import fusion_graph" 2>/dev/null || skip "fusion_graph is not installed in $python, so nothing can be served"
    FUSION_BACKEND=sim FUSION_SERVER_KEYS="$FUSION_KEY" "$python" -m fusion_graph serve --port 0 --pipelines "$1" \
        >server.out 2>server.log &
    started+=($!)
    for _ in $(seq 100); do
        [ -s server.out ] && break
        sleep 0.2
    done
    url=$(grep -o 'http://[^ ]*' server.out | head -n 1) || { cat server.log >&2; fail "the server does not start"; }
}

# counted URL: what a server has counted, into the file `metrics`.
counted() {
    "$python" - "$1" >metrics <<'PY'
import os, sys, urllib.request
where = sys.argv[1].removesuffix("/v1") + "/metrics"
asked = urllib.request.Request(where, headers={"x-api-key": os.environ["FUSION_KEY"]})
print(urllib.request.urlopen(asked, timeout=30).read().decode())
PY
}

# reach URL LOG [SECONDS]: wait until it answers.
reach() {
    for _ in $(seq "${3:-120}"); do
        "$python" -c 'import sys, urllib.request as u; u.urlopen(sys.argv[1], timeout=5)' "$1" 2>/dev/null && return
        kill -0 "${started[-1]}" 2>/dev/null || break
        sleep 1
    done
    tail -n 30 "$2" >&2
    fail "$1 does not answer"
}

"$python" "$folder/../_preflight.py" || fail "no server on simulated models answers at $FUSION_URL"
