#!/bin/sh
# Install this folder as a package of Pi and say how to use it. PI names another pi program.
set -eu
pi=${PI:-pi}
command -v "$pi" >/dev/null || {
    echo "Pi is not installed; with Node 20 or newer: npm install -g @mariozechner/pi-coding-agent" >&2
    exit 1
}
"$pi" install "$(cd "$(dirname "$0")" && pwd)"
cat <<'EOF'

Now tell Pi where the server is, and begin:
  export FUSION_URL=http://127.0.0.1:8377/v1 FUSION_KEY=...
  pi --model fusion/fusion
EOF
