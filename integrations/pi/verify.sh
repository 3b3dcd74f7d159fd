#!/usr/bin/env bash
# Pi with this package writes a file with its own tool, headless, against a running server. See ../_verify.sh.
source "$(dirname "${BASH_SOURCE[0]}")/../_verify.sh"
npm_client 20 @mariozechner/pi-coding-agent@0.73.1
export PI="$bin/pi" PI_OFFLINE=1 PI_TELEMETRY=0

"$folder/install.sh" >installed 2>&1 || { cat installed >&2; fail "install.sh"; }
"$PI" list >listed 2>&1
holds "$folder" listed "install.sh installs the package"
"$PI" remove "$folder" >/dev/null 2>&1 || fail "pi remove"
ln -s "$folder" pi && "$PI" install ./pi >/dev/null 2>&1 || fail "pi install ./pi"
"$PI" --list-models fusion >models 2>&1
holds "$FUSION_MODEL" models "pi install ./pi; the server's pipelines are models"

order='Write it. sim: call write {"path": "hello.txt", "content": "hello from the panel"} sim: say "It is written."'
timeout 300 "$PI" --model "fusion/$FUSION_MODEL" --no-session -p "$order" >out 2>&1 </dev/null \
    || { cat out >&2; fail "pi"; }
holds "hello from the panel" hello.txt "its own tool wrote a file"
holds "It is written." out "the turn after the tool's result"

FUSION_URL=http://127.0.0.1:9/v1 "$PI" --list-models fusion >absent 2>&1 || true
holds "fusion: no models from http://127.0.0.1:9/v1" absent "a server that is not there is one line"
