#!/usr/bin/env bash
# aider edits and commits a file, headless, against a running server. See ../_verify.sh for what it takes.
source "$(dirname "${BASH_SOURCE[0]}")/../_verify.sh"
command -v git >/dev/null || skip "git is not installed"
pip_client aider-chat==0.86.2
export OPENAI_API_BASE="$FUSION_URL" OPENAI_API_KEY="$FUSION_KEY" LITELLM_LOCAL_MODEL_COST_MAP=True

git init -q . && git config user.name verify && git config user.email verify@localhost
echo "colour: red" >paint.txt
git add . && git commit -qm "Begin"
sed "s#openai/fusion#openai/$FUSION_MODEL#" "$folder/aider.conf.yml" >"$HOME/.aider.conf.yml"

edit='paint.txt\n```\n<<<<<<< SEARCH\ncolour: red\n=======\ncolour: blue\n>>>>>>> REPLACE\n```\n'
"$bin/aider" --yes-always --analytics-disable --no-gitignore --no-pretty \
    --message "Paint it blue. sim: say \"$edit\"" paint.txt >out 2>&1 </dev/null || { cat out >&2; fail "aider"; }
holds "Applied edit to paint.txt" out "an edit"
holds "colour: blue" paint.txt "the file is changed"
[ "$(git rev-list --count HEAD)" = 2 ] || fail "a commit"
say "ok: a commit: $(git log -1 --format=%s | cut -c1-60)"
