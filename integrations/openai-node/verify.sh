#!/usr/bin/env bash
# The OpenAI SDK for Node against a running server. See ../_verify.sh for what it takes.
source "$(dirname "${BASH_SOURCE[0]}")/../_verify.sh"
npm_client 20 openai@6.49.0

# An ES module finds its packages beside itself.
cp "$folder/ask.mjs" "$clients/"
node "$clients/ask.mjs" >out 2>&1 || { cat out >&2; fail "ask.mjs"; }
holds "hello from the panel" out "an answer"
holds "models: " out "its fusion block"
holds "hello in pieces" out "a stream"
holds 'tool: look_up {"word": "graph"}' out "a tool call"
holds "it was looked up" out "the turn after its result"

cat >"$clients/faults.mjs" <<'EOF'
import OpenAI from "openai";
const { FUSION_URL: baseURL, FUSION_KEY: apiKey } = process.env;
for (const [name, key, model] of [["key", "sk-wrong-wrong-wrong-wrong", "fusion"], ["model", apiKey, "no/such"]]) {
  const client = new OpenAI({ baseURL, apiKey: key });
  const asked = client.chat.completions.create({ model, messages: [{ role: "user", content: "?" }] });
  console.log(name, await asked.then(() => "accepted", (fault) => fault.constructor.name));
}
EOF
node "$clients/faults.mjs" >faults 2>&1 || { cat faults >&2; fail "faults.mjs"; }
holds "model NotFoundError" faults "an unknown model is a NotFoundError"
[ "$FUSION_KEY" = none ] || holds "key AuthenticationError" faults "a wrong key is an AuthenticationError"
