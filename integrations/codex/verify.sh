#!/usr/bin/env bash
# Codex writes a file with its own tool, headless, against a running server. See ../_verify.sh for what it takes.
source "$(dirname "${BASH_SOURCE[0]}")/../_verify.sh"
npm_client 16 @openai/codex@0.171.0
"$bin/codex" --version >/dev/null 2>&1 || skip "its program does not run on this machine"
unset CODEX_HOME

mkdir "$HOME/.codex"
sed "s#http://127.0.0.1:8377/v1#$FUSION_URL#; s#^model = .*#model = \"$FUSION_MODEL\"#" "$folder/config.toml" >"$HOME/.codex/config.toml"
# The project is a folder that is thrown away, and its sandbox does not start everywhere (in containers, for one).
run() { timeout 300 "$bin/codex" exec --skip-git-repo-check --dangerously-bypass-approvals-and-sandbox "$@" </dev/null; }

order='Write it. sim: call exec_command {"cmd": "printf \"hello from the panel\" > hello.txt"} sim: say "It is written."'
run "$order" >out 2>errors || { cat out errors >&2; fail "codex"; }
holds "hello from the panel" hello.txt "its own tool wrote a file"
holds "It is written." out "the turn after the tool's result"
