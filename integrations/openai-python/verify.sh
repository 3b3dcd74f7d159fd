#!/usr/bin/env bash
# The OpenAI SDK for Python against a running server. See ../_verify.sh for what it takes.
source "$(dirname "${BASH_SOURCE[0]}")/../_verify.sh"
pip_client openai==3.57.0

"$bin/python" "$folder/ask.py" >out 2>&1 || { cat out >&2; fail "ask.py"; }
holds "hello from the panel" out "an answer"
holds "models: " out "its fusion block"
holds "hello in pieces" out "a stream"
holds 'tool: look_up {"word": "graph"}' out "a tool call"
holds "it was looked up" out "the turn after its result"

cat >faults.py <<'EOF'
import os, openai

client = openai.OpenAI(base_url=os.environ["FUSION_URL"], api_key=os.environ["FUSION_KEY"])
print("listed:", os.environ["FUSION_MODEL"] in [model.id for model in client.models.list()])
for name, key, model in (("key", "sk-wrong-wrong-wrong-wrong", "fusion"), ("model", client.api_key, "no/such")):
    try:
        client.with_options(api_key=key).chat.completions.create(model=model, messages=[{"role": "user", "content": "?"}])
        print(name, "accepted")
    except openai.APIStatusError as fault:
        print(name, type(fault).__name__)
EOF
"$bin/python" faults.py >faults 2>&1 || { cat faults >&2; fail "faults.py"; }
holds "listed: True" faults "the list of models"
holds "model NotFoundError" faults "an unknown model is a NotFoundError"
[ "$FUSION_KEY" = none ] || holds "key AuthenticationError" faults "a wrong key is an AuthenticationError"
