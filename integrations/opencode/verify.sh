#!/usr/bin/env bash
# opencode writes a file with its own tool, headless, against a running server. See ../_verify.sh for what it takes.
source "$(dirname "${BASH_SOURCE[0]}")/../_verify.sh"
npm_client 20 opencode-ai@1.18.33
"$bin/opencode" --version >/dev/null 2>&1 || skip "its program does not run on this machine"
export OPENCODE_DISABLE_AUTOUPDATE=1 OPENCODE_DISABLE_MODELS_FETCH=1 OPENCODE_DISABLE_LSP_DOWNLOAD=1

sed "s#\"fusion/fusion\"#\"fusion/$FUSION_MODEL\"#; s#\"fusion\": { \"name\"#\"$FUSION_MODEL\": { \"name\"#" \
    "$folder/opencode.json" >opencode.json
# Told on standard input: words of an argument are quoted once more.
order="Write it. sim: call write {\"filePath\": \"$PWD/hello.txt\", \"content\": \"hello from the panel\"}"
echo "$order sim: say \"It is written.\"" | timeout 300 "$bin/opencode" run >out 2>&1 || { cat out >&2; fail "opencode"; }
holds "hello from the panel" hello.txt "its own tool wrote a file"
holds "It is written." out "the turn after the tool's result"
