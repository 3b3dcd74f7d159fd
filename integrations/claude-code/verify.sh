#!/usr/bin/env bash
# Claude Code writes a file with its own tool, headless, against a running server. See ../_verify.sh for what it takes.
source "$(dirname "${BASH_SOURCE[0]}")/../_verify.sh"
npm_client 18 @anthropic-ai/claude-code@2.1.332
"$bin/claude" --version >/dev/null 2>&1 || skip "its program does not run on this machine"
for name in $(env | grep -oE '^(ANTHROPIC|CLAUDE)[A-Z_]*' || true); do unset "$name"; done
export DISABLE_AUTOUPDATER=1 DISABLE_TELEMETRY=1

mkdir .claude
sed "s#http://127.0.0.1:8377#${FUSION_URL%/v1}#; s#your key, or any text#$FUSION_KEY#; s#\"fusion\"#\"$FUSION_MODEL\"#" \
    "$folder/settings.json" >.claude/settings.local.json

order="Write it. sim: call Write {\"file_path\": \"$PWD/hello.txt\", \"content\": \"hello from the panel\"}"
order="$order sim: call Read {\"file_path\": \"$PWD/hello.txt\"} sim: say \"It is written.\""
timeout 300 "$bin/claude" -p "$order" --allowedTools Write --output-format json >out 2>&1 </dev/null || { cat out >&2; fail "claude"; }
holds "hello from the panel" hello.txt "its own tool wrote a file"
holds '"result":"It is written."' out "the turn after the tools' results"
holds '"num_turns":3' out "three turns, each asked for once"

timeout 300 "$bin/claude" -p 'sim: say "streamed"' --output-format stream-json --include-partial-messages --verbose >out 2>&1 \
    </dev/null || { cat out >&2; fail "claude, streaming"; }
holds '"text_delta","text":"' out "text arrives while it is written"

timeout 300 "$bin/claude" -p "Hello" --model no-such-model >absent 2>&1 </dev/null && fail "a model that is not there"
holds "no-such-model" absent "a model that is not there is said"

# What failed is not asked for again; what broke off once more, without a stream.
mkdir pipelines
for fault in 500 cut; do
    echo "{version: 1, name: fault-$fault, nodes: {answer: {kind: proposer, model: sim/fault-$fault, retry: {attempts: 1}}}, output: answer}" \
        >"pipelines/$fault.yaml"
done
own_server pipelines
sed -i "s#${FUSION_URL%/v1}#${url%/v1}#" .claude/settings.local.json
for fault in 500 cut; do
    timeout 300 "$bin/claude" -p "Hello" --model "fault-$fault" >failed 2>&1 </dev/null && fail "a run that failed is no answer"
done
counted "$url"
holds 'fusion_runs_total{pipeline="fault-500",state="failed"} 1' metrics "a failed run is bought once"
grep -E 'pipeline="fault-cut",state="failed"} [12]$' metrics >/dev/null || { cat metrics >&2; fail "a stream that broke off"; }
say "ok: a stream that broke off is asked for at most once more"
