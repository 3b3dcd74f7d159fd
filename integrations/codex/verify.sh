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

# A server of ours, with a model that always fails and a panel that is slower than Codex waits in silence.
mkdir pipelines
cat >pipelines/failing.yaml <<'YAML'
{version: 1, name: failing, nodes: {answer: {kind: proposer, model: sim/fault-500}}, output: answer}
YAML
cat >pipelines/slow.yaml <<'YAML'
version: 1
name: slow
nodes:
  panel: {kind: layer, models: [sim/slow, sim/fast]}
  answer: {kind: synth, model: sim/slow, inputs: [panel]}
output: answer
YAML
own_server pipelines

# stock MODEL [LINE]: as Codex comes, without our limits on retries.
stock() {
    sed "s#http://127.0.0.1:8377/v1#$url#; s#^model = .*#model = \"$1\"#; s#^request_max_retries.*#${2-}#; /max_retries/d" \
        "$folder/config.toml" >"$HOME/.codex/config.toml"
}

# Half of the longest silence of a stream is five seconds: less than six must do.
words="It is blue, and that is all that a slow model knows of it, however often it is asked; now it has been said, word for word,"
words="$words in its own time, which was a long one by any clock that a person would wear, and so it ends."
stock slow "stream_idle_timeout_ms = 6000"
run "Why is the sky blue? sim: say \"$words\"" >out 2>errors || { cat out errors >&2; fail "codex with a slow panel"; }
holds "$words" out "a panel slower than its idle limit"

# Without a setting of its own Codex sends a 5xx thirty times.
stock failing
run "Hello." >out 2>errors && fail "a run that failed is no answer"
counted "$url"
holds 'fusion_runs_total{pipeline="slow",state="ok"} 1' metrics "the slow panel was asked once"
holds 'fusion_runs_total{pipeline="failing",state="failed"} 2' metrics "without settings a failure is run twice and no more"
