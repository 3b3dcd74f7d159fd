#!/usr/bin/env bash
# simonw's llm against a running server. See ../_verify.sh for what it takes.
source "$(dirname "${BASH_SOURCE[0]}")/../_verify.sh"
pip_client llm==0.36

home=$(dirname "$("$bin/llm" logs path)")
mkdir -p "$home"
sed -e "s#http://127.0.0.1:8377/v1#$FUSION_URL#" -e "s#model_name: fusion#model_name: $FUSION_MODEL#" \
    "$folder/extra-openai-models.yaml" >"$home/extra-openai-models.yaml"
"$bin/llm" keys set fusion --value "$FUSION_KEY"

"$bin/llm" -m fusion --no-stream 'Say hello. sim: say "hello from the panel"' >whole 2>&1 || true
holds "hello from the panel" whole "an answer"
"$bin/llm" -m fusion 'Say hello. sim: say "hello in pieces"' >stream 2>&1 || true
holds "hello in pieces" stream "a stream"
"$bin/llm" -m fusion --functions 'def add(a: int, b: int) -> int: return open("sum", "w").write(str(a + b))' \
    'Add. sim: call add {"a": 40, "b": 2} sim: say "added"' >tool 2>&1 || true
holds "added" tool "the turn after a tool's result"
holds "42" sum "a tool call"
