"""Is there a server at FUSION_URL, and are its models simulated? One short question to its writer alone finds out; on
real models nothing else is asked, as the checks cost money there and prove nothing."""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request

ASKED = {
    "model": os.environ["FUSION_MODEL"],
    "messages": [{"role": "user", "content": 'sim: say "ready"'}],
    "max_tokens": 16,
    "fusion": {"enabled": False},
}


def main() -> int:
    """0 when the checks may begin."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {os.environ['FUSION_KEY']}"}
    url = f"{os.environ['FUSION_URL']}/chat/completions"
    if not url.startswith(("http://", "https://")):
        print("FUSION_URL is no http address", file=sys.stderr)
        return 1
    request = urllib.request.Request(url, json.dumps(ASKED).encode(), headers)  # noqa: S310 - checked above
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - checked above
            told = json.load(answer)
    except (urllib.error.URLError, ValueError) as fault:
        print(fault, file=sys.stderr)
        return 1
    if "fusion" not in told:
        print("it is no fusion_graph server", file=sys.stderr)
        return 1
    if not told["fusion"]["simulated"]:
        print("its models are real", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
