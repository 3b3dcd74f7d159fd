#!/usr/bin/env bash
# LangChain's ChatOpenAI against a running server. See ../_verify.sh for what it takes.
source "$(dirname "${BASH_SOURCE[0]}")/../_verify.sh"
pip_client langchain-openai==1.7.4

"$bin/python" "$folder/ask.py" >out 2>&1 || { cat out >&2; fail "ask.py"; }
holds "hello from the panel" out "an answer"
holds "hello in pieces" out "a stream"
holds "tool: [('look_up', {'word': 'graph'})]" out "a tool call"
holds "it was looked up" out "the turn after its result"
holds "person: {'name': " out "structured output"
