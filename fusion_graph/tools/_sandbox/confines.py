"""What a sandboxed command gets: its environment, its limits, its view of the disk, and the system calls it may make.
Starts nothing.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from fusion_graph.errors import ToolError
from fusion_graph.tools._sandbox import seccomp

Level = Literal["bubblewrap", "landlock", "none"]

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
ETC = (
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "ssl/certs", "ca-certificates", "pki/tls/certs"),
    *("localtime", "passwd", "group", "nsswitch.conf", "os-release", "mime.types", "services", "protocols"),
)
NETWORK = ("resolv.conf", "hosts", "host.conf", "gai.conf")
PROC = ("cpuinfo", "meminfo", "stat", "filesystems", "version", "uptime", "loadavg")
SECRETS = (".env", ".env.local", ".env.production", ".env.development", ".netrc", ".npmrc", ".pypirc")


class Caps(NamedTuple):
    """What one command may use. Bytes, seconds, counts."""

    seconds: float = 120.0
    memory: int = 4 << 30
    file: int = 1 << 28
    processes: int = 256
    shown: int = 16_384  # of its output, at the beginning and at the end
    written: int = 32 << 20  # of output, until it is stopped


def write_order(level: Level, command: str, *, root: Path, scratch: Path, network: bool, caps: Caps) -> dict[str, Any]:
    """What `_sandbox/jail` is told. `scratch` is a folder that only this command writes to."""
    home = "/tmp" if level == "bubblewrap" else str(scratch)  # noqa: S108  (its own, inside the sandbox)
    shell = [_bash(), "--noprofile", "--norc", "-c", command]
    order: dict[str, Any] = {
        "command": shell,
        "folder": str(root),
        "environment": _environment(home),
        "limits": _limits(caps),
        "processes": caps.processes,
        "memory": caps.memory,
    }
    if level == "bubblewrap":
        order["command"] = [find_bwrap(), *_mounts(root, network=network), "--", *shell]
        order["filter"] = _filter(network, private=True)
    elif level == "landlock":
        read = [*SYSTEM, *_etc(network=network), *_python(), *(f"/proc/{name}" for name in PROC)]
        order["landlock"] = {
            "read": [*read, "/dev/urandom", "/dev/random"],
            "write": [str(root), str(scratch), "/dev/null", "/dev/zero", "/dev/full"],
            "network": network,
        }
        order["filter"] = _filter(network, private=False)
    return order


def _environment(home: str) -> dict[str, str]:
    """Nothing of ours: keys stand in it."""
    return {
        "PATH": f"{sys.prefix}/bin:{sys.base_prefix}/bin:{PATH}",
        "HOME": home,
        "TMPDIR": home,
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "PAGER": "cat",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",  # nobody may read it in there, and git would end at that
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _limits(caps: Caps) -> dict[str, tuple[int, int]]:
    cpu = int(caps.seconds) + 1
    return {
        "RLIMIT_CPU": (cpu, cpu + 1),
        "RLIMIT_DATA": (caps.memory, caps.memory),
        "RLIMIT_FSIZE": (caps.file, caps.file),
        "RLIMIT_NOFILE": (1024, 1024),
        "RLIMIT_CORE": (0, 0),
    }


def _mounts(root: Path, *, network: bool) -> list[str]:
    """bubblewrap's arguments: the system read-only, a home and /tmp that last as long as the command, and the root."""
    made = ["--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--hostname", "sandbox"]
    made += ["--share-net"] if network else []
    for path in SYSTEM:
        link = Path(path)
        if link.is_symlink():
            made += ["--symlink", str(link.readlink()), path]
        elif link.exists():
            made += ["--ro-bind", path, path]
    for path in _etc(network=network):
        made += ["--ro-bind-try", path, path]
    made += ["--proc", "/proc", "--dev", "/dev", "--size", str(1 << 30), "--tmpfs", "/tmp"]  # noqa: S108
    inside = [path for path in _python() if not Path(path).is_relative_to(root)]
    for path in inside:
        made += ["--ro-bind", path, path]
    made += ["--bind", str(root), str(root)]
    for path in _python():
        made += ["--ro-bind", path, path] if Path(path).is_relative_to(root) else []
    git = root / ".git"
    made += ["--ro-bind", str(git), str(git)] if git.exists() and not git.is_symlink() else []
    for name in SECRETS:
        made += ["--ro-bind", "/dev/null", str(root / name)] if (root / name).is_file() else []
    return [*made, "--remount-ro", "/", "--chdir", str(root), "--seccomp", "{FILTER}"]


@cache
def _python() -> tuple[str, ...]:
    """Where this Python is installed, so that a project's tests can run; what /usr holds is there already."""
    folders = dict.fromkeys(str(Path(p).resolve()) for p in (sys.prefix, sys.base_prefix))
    return tuple(folder for folder in folders if not folder.startswith("/usr/") and folder not in ("/", "/usr"))


def _etc(*, network: bool) -> list[str]:
    return [f"/etc/{name}" for name in (*ETC, *(NETWORK if network else ()))]


def machine() -> seccomp.Machine | None:
    return seccomp.MACHINES.get(platform.machine())


def _filter(network: bool, *, private: bool) -> str:
    """Sockets: with a network of its own all ordinary ones; on the host's network none that reach other programs by
    name; without a network of its own and none allowed, none at all."""
    known = machine()
    assert known is not None
    internet = {seccomp.INET, seccomp.INET6, seccomp.NETLINK}
    families = internet if network else {*internet, seccomp.UNIX} if private else set()
    grouped = not private and os.geteuid() == 0 and not _may_unshare()
    return seccomp.write_filter(known, families, paths_are_open=not private, one_group=grouped).hex()


def _may_unshare() -> bool:
    """Root that may make namespaces (CAP_SYS_ADMIN); in containers it often may not."""
    status = Path("/proc/self/status").read_text("ascii", "replace")
    line = next((line for line in status.splitlines() if line.startswith("CapEff:")), "CapEff: 0")
    return bool(int(line.split()[1], 16) >> 21 & 1)


def _bash() -> str:
    found = shutil.which("bash", path=PATH)
    if found is None:
        raise ToolError("bash is not installed here")
    return found


def find_bwrap() -> str:
    """Its path, "" where it is not installed."""
    return shutil.which("bwrap", path=PATH) or ""
