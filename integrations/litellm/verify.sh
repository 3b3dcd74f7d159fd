#!/usr/bin/env bash
# LiteLLM, library and proxy, against a running server. See ../_verify.sh for what it takes.
source "$(dirname "${BASH_SOURCE[0]}")/../_verify.sh"
pip_client 'litellm[proxy]==1.90.0'
export LITELLM_LOCAL_MODEL_COST_MAP=True

"$bin/python" "$folder/ask.py" >out 2>&1 || { cat out >&2; fail "ask.py"; }
holds "hello from the panel" out "an answer"
holds "models: " out "its fusion block"
holds "hello in pieces" out "a stream"
holds "tool: [('look_up', '{\"word\": \"graph\"}')]" out "a tool call"

port=$(free_port)
sed "s#openai/fusion#openai/$FUSION_MODEL#" "$folder/config.yaml" >config.yaml
"$bin/litellm" --config config.yaml --host 127.0.0.1 --port "$port" --telemetry False >proxy 2>&1 &
started+=($!)
reach "http://127.0.0.1:$port/health/liveliness" proxy
cat >through.py <<'EOF'
import sys, openai

client = openai.OpenAI(base_url=sys.argv[1], api_key="any", max_retries=0)
asked = {"model": "fusion", "messages": [{"role": "user", "content": 'Say hello. sim: say "hello through the proxy"'}]}
print("whole:", client.chat.completions.create(**asked).choices[0].message.content)
pieces = client.chat.completions.create(**asked, stream=True)
print("stream:", "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices))
EOF
"$bin/python" through.py "http://127.0.0.1:$port/v1" >through 2>&1 || { tail -n 20 through proxy >&2; fail "the proxy"; }
holds "whole: hello through the proxy" through "an answer through the proxy"
holds "stream: hello through the proxy" through "a stream through the proxy"
