#!/usr/bin/env bash
# Continue's CLI writes a file with its own tool, headless, against a running server. See ../_verify.sh.
source "$(dirname "${BASH_SOURCE[0]}")/../_verify.sh"
npm_client 20 @continuedev/cli@1.5.47
export CONTINUE_TELEMETRY_ENABLED=0

mkdir -p "$HOME/.continue"
sed -e "s#http://127.0.0.1:8377/v1#$FUSION_URL#" -e "s#model: fusion#model: $FUSION_MODEL#" "$folder/config.yaml" \
    >"$HOME/.continue/config.yaml"
echo "FUSION_KEY=$FUSION_KEY" >"$HOME/.continue/.env"

order='Write it. sim: call Write {"filepath": "hello.txt", "content": "hello from the panel"} sim: say "It is written."'
"$bin/cn" --config "$HOME/.continue/config.yaml" --auto -p "$order" >out 2>&1 </dev/null || { cat out >&2; fail "cn"; }
holds "hello from the panel" hello.txt "its own tool wrote a file"
holds "It is written." out "the turn after the tool's result"
