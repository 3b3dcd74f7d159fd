#!/usr/bin/env bash
# Open WebUI's own server in front of a running server. See ../_verify.sh for what it takes.
source "$(dirname "${BASH_SOURCE[0]}")/../_verify.sh"
[ -z "${FUSION_SMALL:-}" ] || skip "it is large, and FUSION_SMALL is set"
"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' || skip "it needs Python 3.11 or 3.12"
[ "$(df -Pm "$clients" | awk 'NR == 2 {print $4}')" -gt 16000 ] || skip "it needs 16 GB of free disk"
pip_client open-webui==0.12.4

set -a && . "$folder/open-webui.env" && set +a
export OPENAI_API_BASE_URL="$FUSION_URL" OPENAI_API_KEY="$FUSION_KEY" DATA_DIR="$work/data" WEBUI_AUTH=False
export WEBUI_SECRET_KEY=only-for-this-check OFFLINE_MODE=True HF_HUB_OFFLINE=1 RAG_EMBEDDING_ENGINE=openai
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 ANONYMIZED_TELEMETRY=False DO_NOT_TRACK=True
port=$(free_port)
"$bin/open-webui" serve --host 127.0.0.1 --port "$port" >served 2>&1 &
started+=($!)
reach "http://127.0.0.1:$port/health" served 300

cat >ask.py <<'EOF'
import json, os, sys, urllib.request

def post(path, body, **more):
    headers = {"Content-Type": "application/json", **more}
    return urllib.request.urlopen(urllib.request.Request(sys.argv[1] + path, json.dumps(body).encode() if body else None, headers))

bearer = {"Authorization": "Bearer " + json.load(post("/api/v1/auths/signin", {"email": "", "password": ""}))["token"]}
model = os.environ["FUSION_MODEL"]
print("listed:", model in [entry["id"] for entry in json.load(post("/api/models", None, **bearer))["data"]])
asked = {"model": model, "messages": [{"role": "user", "content": 'Say hello. sim: say "hello from the panel"'}]}
print("whole:", json.load(post("/api/chat/completions", asked, **bearer))["choices"][0]["message"]["content"])
print("stream:", post("/api/chat/completions", asked | {"stream": True}, **bearer).read().decode())
EOF
"$python" ask.py "http://127.0.0.1:$port" >out 2>&1 || { tail -n 20 out served >&2; fail "ask.py"; }
holds "listed: True" out "the server's pipelines are listed"
holds "whole: hello from the panel" out "an answer"
holds '"content": "hello from the panel"' out "a stream"
holds "data: [DONE]" out "the stream's end"
