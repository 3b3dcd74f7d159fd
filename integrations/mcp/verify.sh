#!/usr/bin/env bash
# The MCP SDK for Python against `fusiongraph mcp`, which it starts itself. See ../_verify.sh for what it takes.
source "$(dirname "${BASH_SOURCE[0]}")/../_verify.sh"
pip_client mcp==2.3.0
"$python" -c "import fusion_graph, mcp" 2>/dev/null || skip "fusion-graph[mcp] is not installed in $python"

export FUSION_BACKEND=sim
prove() {
    how=$1
    shift
    "$bin/python" "$folder/ask.py" "$@" >out 2>err || { cat out err >&2; fail "ask.py $how"; }
    holds "tools: council fusion" out "the tools, $how"
    holds "answer: hello from the panel" out "an answer, $how"
    holds "progress: " out "its progress, $how"
    holds "degraded: []" out "its cost and what degraded, $how"
    holds "cancelled" out "a request that is cancelled, $how"
    holds "after it: hello from the panel" out "one after it, $how"
}

prove "over standard streams" "$python" -m fusion_graph mcp
port=$(free_port)
"$python" -m fusion_graph mcp --http "$port" >server.out 2>server.log &
started+=($!)
for _ in $(seq 100); do
    [ -s server.out ] && break
    sleep 0.2
done
prove "over HTTP" "$(cat server.out)"
