"""Attempts to get out of the sandbox, as a program: each is run in it, and what came of it outside is looked at.

    escapes.py PACKAGE_FOLDER LEVEL ROOT OUTSIDE

It prints one JSON object per attempt: what the tool said, and every harm that was done. It needs nothing but this
package, so that it can run as another user with the system's own Python.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

SECRET = "the-secret-of-the-house"
MARK = str(31_000_000 + os.getpid())  # seconds that only our background processes sleep; no other run has the same
KEY = "sk-key-of-the-user"

PYTHON = "python3 -c '{}'"

ATTEMPTS: dict[str, str] = {
    # --- reading what is outside
    "read a file": "cat {outside}/secret",
    "read by /proc/self/root": "cat /proc/self/root{outside}/secret",
    "read by /proc/1/root": "cat /proc/1/root{outside}/secret",
    "read by a parent's root": "cat /proc/$PPID/root{outside}/secret; cat /proc/$PPID/cwd/{outside}/secret",
    "read through a new link": "ln -s {outside}/secret link; cat link; rm -f link",
    "read through a folder link": "ln -s {outside} way; cat way/secret; rm -f way",
    "read through a hard link": "ln {outside}/secret hard; cat hard",
    "read by dots": "cat ../outside/secret; cat ../../../../../../{outside}/secret",
    "copy it in": "cp {outside}/secret taken; cat taken",
    "list the folder": "ls {outside}; find {outside} -name secret -exec cat {{}} +",
    "read by a descriptor without rights": PYTHON.format(
        'import os; d = os.open("{outside}/secret", os.O_PATH); print(open(f"/proc/self/fd/{{d}}").read())'
    ),
    "read by a file handle": PYTHON.format(
        "import ctypes; c = ctypes.CDLL(None, use_errno=True); h = (ctypes.c_uint * 34)(128);"
        ' m = ctypes.c_int(); c.name_to_handle_at(-100, b"{outside}/secret", h, ctypes.byref(m), 0);'
        " f = c.open_by_handle_at(-100, h, 0); print(f, ctypes.get_errno()); print(open(f).read())"
    ),
    "read an open descriptor": 'for n in 3 4 5 6 7 8 9 10 11 12; do read -r -u $n line && echo "$line"; done; echo end',
    "read the passwords": "cat /etc/shadow /root/.ssh/* /home/*/.ssh/*",
    "read memory": "head -c 64 /dev/mem; head -c 64 /dev/sda; head -c 64 /dev/vda",
    # --- changing what is outside
    "write a new file": "echo x > {outside}/new",
    "append": "echo x >> {outside}/kept",
    "cut to nothing": "truncate -s 0 {outside}/kept; : > {outside}/kept",
    "cut by its path": PYTHON.format('import os; os.truncate("{outside}/kept", 0)'),
    "delete": "rm -rf {outside}/kept {outside}/folder",
    "rename": "mv {outside}/kept {outside}/other; mv {outside}/kept .",
    "move a file out": "echo x > mine; mv mine {outside}/mine; cp mine {outside}/mine; rm -f mine",
    "make a folder": "mkdir {outside}/made",
    "change its mode": "chmod 777 {outside}/kept",
    "change its owner": "chown 1:1 {outside}/kept",
    "change its times": "touch -d 2001-01-01 {outside}/kept",
    "change its times by a path": PYTHON.format('import os; os.utime("{outside}/kept", (1, 1))'),
    "set an attribute": PYTHON.format('import os; os.setxattr("{outside}/kept", "user.x", b"y")'),
    "write through a link": "ln -s {outside}/kept link; echo x > link; rm -f link",
    "write through a folder link": "ln -s {outside} way; echo x > way/new; rm -f way",
    "write by /proc/self/cwd": "echo x > /proc/self/cwd/../outside/new",
    "link outside": "echo x > mine; ln mine {outside}/linked; ln -s mine {outside}/linked; rm -f mine",
    "make a device": "mknod disk b 8 0 && head -c 16 disk; mknod {outside}/disk c 1 3; rm -f disk",
    "move the folder away": "mv {root} {outside}/moved",
    "a race of links": (
        "for i in $(seq 40); do ln -sfn {outside} swap; echo x > swap/new; rm -f swap; mkdir swap; rmdir swap; done"
    ),
    "write into /tmp": "echo x > /tmp/{mark}",
    "write into shared memory": "echo x > /dev/shm/{mark}; ls /dev/shm",
    "write into the system": "echo x > /usr/bin/{mark}; echo x > /etc/{mark}; touch {prefix}/{mark}",
    "write into the kernel": "echo 1 > /proc/sys/kernel/sysrq; echo h > /proc/sysrq-trigger; hostname evil",
    "set the clock": "date -s @$(date +%s)",
    # --- becoming more
    "mount": "mkdir -p m; mount --bind {outside} m; cat m/secret; mount -t tmpfs none m; rmdir m",
    "a namespace of one's own": "unshare -Ur sh -c 'mount --bind {outside} . && cat secret'; unshare -m true",
    "another root": "chroot / cat {outside}/secret; chroot /proc/1/root cat {outside}/secret",
    "become root": "su -c id; sudo -n cat {outside}/secret; setpriv --reuid 0 id",
    "a program with the set-user bit": "cp /bin/cat mine; chmod u+s mine; ./mine {outside}/secret; rm -f mine",
    # --- the user's keys and processes
    "look for keys": "env; set; export -p",
    "read a parent's keys": "tr '\\0' '\\n' < /proc/$PPID/environ",
    "read everybody's keys": "cat /proc/[0-9]*/environ",
    "read another's memory": PYTHON.format('print(open("/proc/{victim}/mem", "rb").read(1))'),
    "trace another": PYTHON.format("import ctypes; print(ctypes.CDLL(None).ptrace(16, {victim}, 0, 0))"),
    "end another": "kill -9 {victim}; kill -STOP {victim}; kill -TERM {watcher}",
    "end the jail": "kill -9 $PPID; sleep {mark} & sleep 0.1; echo on",
    "limit another": "prlimit --pid {victim} --nofile=3:3; renice -n 19 -p {victim}; taskset -p 1 {victim}",
    # --- the network
    "connect": "exec 3<>/dev/tcp/127.0.0.1/{tcp} && echo x >&3",
    "connect with Python": PYTHON.format('import socket; socket.create_connection(("127.0.0.1", {tcp})).send(b"x")'),
    "connect over IPv6": PYTHON.format('import socket; socket.create_connection(("::1", {tcp6})).send(b"x")'),
    "send a datagram": "echo x > /dev/udp/127.0.0.1/{udp}",
    "a socket file": PYTHON.format(
        'import socket; s = socket.socket(socket.AF_UNIX); s.connect("{outside}/socket"); s.send(b"x")'
    ),
    "an abstract socket": PYTHON.format(
        'import socket; s = socket.socket(socket.AF_UNIX); s.connect("\\0{abstract}"); s.send(b"x")'
    ),
    "a virtual machine's socket": PYTHON.format("import socket; print(socket.socket(40, 1))"),
    "raw packets": PYTHON.format("import socket; print(socket.socket(17, 3))"),
    "a ring of requests": PYTHON.format(
        "import ctypes; b = ctypes.create_string_buffer(256); f = ctypes.CDLL(None).syscall(425, 8, b);"
        ' print(f); assert f < 0, "ring"'
    ),
    "ask for a name": "getent hosts example.com",
    # --- taking all there is
    "a fork bomb": ":(){{ :|:& }};:; sleep {mark}",
    "a fork bomb of programs": PYTHON.format("import os\nwhile True: os.fork()"),
    "all memory": PYTHON.format("x = []\nwhile True: x.append(bytearray(1 << 26))"),
    "all memory by many": (
        'for i in 1 2 3 4 5 6 7 8; do python3 -c "x = bytearray(200 << 20); input()" < <(sleep {mark}) & done; wait'
    ),
    "all time": "while :; do :; done",
    "all time, deaf to signals": "trap '' TERM INT HUP; while :; do sleep 0.1; done",
    "endless output": "yes",
    "endless file": "head -c 2G /dev/zero > large; ls -l large; rm -f large",
    # --- staying behind
    "a child left behind": "sleep {mark} & echo left",
    "a daemon": "setsid sh -c 'sleep {mark} & sleep {mark}' < /dev/null > /dev/null 2>&1 & echo left",
    "a daemon, forked twice": PYTHON.format(
        "import os\nif os.fork() == 0:\n os.setsid()\n"
        ' if os.fork() == 0: os.execvp("sleep", ["sleep", "{mark}"])\n os._exit(0)'
    ),
    "a reader of the pipe": "nohup sleep {mark} & disown; exit 0",
}

BUBBLEWRAP_ONLY: dict[str, str] = {
    "read the folder's keys": "cat .env; cat ./.env | tr a-z b-za",
    "plant a hook": "echo '#!/bin/sh' > .git/hooks/pre-commit; git config core.fsmonitor evil; rm -rf .git; mv .git g",
}


class Scene:
    """What is outside, and how it was."""

    def __init__(self, outside: Path) -> None:
        self.outside = outside
        self.hits: list[str] = []
        self.victim = subprocess.Popen(["sleep", "100"])  # noqa: S607
        self.values: dict[str, Any] = {}
        self._keep: list[Any] = []

    async def open(self, root: Path) -> None:
        for name, text in {"secret": SECRET, "kept": "kept\n"}.items():
            (self.outside / name).write_text(text)
        (self.outside / "folder").mkdir()
        (root / ".git" / "hooks").mkdir(parents=True)
        (root / ".env").write_text(f"KEY={SECRET}\n")

        async def met(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.hits.append("a connection arrived")
            writer.close()

        class Datagrams(asyncio.DatagramProtocol):
            def datagram_received(_self, data: bytes, addr: Any) -> None:  # noqa: N805
                self.hits.append("a datagram arrived")

        abstract = f"fusion-escape-{os.getpid()}"
        tcp = await asyncio.start_server(met, "127.0.0.1", 0)
        tcp6 = await asyncio.start_server(met, "::1", 0) if socket.has_dualstack_ipv6() else tcp
        servers = [tcp, tcp6, await asyncio.start_unix_server(met, self.outside / "socket")]
        servers.append(await asyncio.start_unix_server(met, f"\0{abstract}"))
        loop = asyncio.get_running_loop()
        udp, _ = await loop.create_datagram_endpoint(Datagrams, local_addr=("127.0.0.1", 0))
        self._keep += [*servers, udp]
        self.values = {
            "outside": self.outside,
            "root": root,
            "victim": self.victim.pid,
            "watcher": os.getpid(),
            "tcp": tcp.sockets[0].getsockname()[1],
            "tcp6": tcp6.sockets[0].getsockname()[1],
            "udp": udp.get_extra_info("sockname")[1],
            "abstract": abstract,
            "mark": MARK,
            "prefix": sys.prefix,
        }

    def picture(self) -> list[tuple[Any, ...]]:
        """Everything outside that must stay as it is."""
        found: list[tuple[Any, ...]] = []
        for path in sorted(self.outside.rglob("*")):
            info = path.lstat()
            attributes = os.listxattr(path, follow_symlinks=False)
            content = path.read_text() if path.is_file() else ""
            found.append((str(path), info.st_mode, info.st_uid, info.st_nlink, info.st_mtime_ns, content, *attributes))
        limits = Path(f"/proc/{self.victim.pid}/limits").read_text()
        stat = Path(f"/proc/{self.victim.pid}/stat").read_text().rpartition(")")[2].split()
        affinity = sorted(os.sched_getaffinity(self.victim.pid))
        return [*found, (limits, stat[15], stat[16], affinity, socket.gethostname())]

    def left(self) -> list[str]:
        """Processes and files with our mark."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[:2] == [b"sleep", MARK.encode()]:
                found.append(f"process {folder.name} still runs")
        places = (Path("/tmp"), Path("/dev/shm"), Path("/usr/bin"), Path("/etc"), Path(sys.prefix))  # noqa: S108
        return found + [f"{place / MARK} was written" for place in places if (place / MARK).exists()]


async def attempt(scene: Scene, run: Callable[[str], Any], name: str, command: str) -> dict[str, Any]:
    before, hits = scene.picture(), len(scene.hits)
    ran = await run(command.format(**scene.values))
    after = scene.picture()
    harm = scene.hits[hits:] + scene.left()
    harm += [f"outside changed: {set(before) ^ set(after)}"] if before != after else []
    harm += ["the secret was read"] if SECRET in ran.output or SECRET[4:] in ran.output else []
    harm += ["a key was read"] if KEY in ran.output else []
    harm += ["the victim ended"] if scene.victim.poll() is not None else []
    return {"name": name, "harm": harm, **asdict(ran)}


async def main() -> None:
    package, level, root, outside = sys.argv[1:]
    sys.path.insert(0, package)
    from fusion_graph.tools._sandbox.confines import Caps
    from fusion_graph.tools._sandbox.levels import Sandbox, find_sandbox

    os.environ["FUSION_API_KEY"] = KEY
    found = find_sandbox(best=level)  # type: ignore[arg-type]
    assert found is not None
    assert found.level == level, found
    caps = Caps(seconds=1.0, memory=1 << 29, file=1 << 24, processes=64, written=4 << 20)
    sandbox = Sandbox(level=found.level, caps=caps)
    scene = Scene(Path(outside))
    try:
        await scene.open(Path(root))
        more = BUBBLEWRAP_ONLY if level == "bubblewrap" else {}
        for name, command in (ATTEMPTS | more).items():
            told = await attempt(scene, lambda text: sandbox.run(text, Path(root)), name, command)
            print(json.dumps(told), flush=True)  # noqa: T201
    finally:
        scene.victim.kill()
        scene.victim.wait()


if __name__ == "__main__":
    asyncio.run(main())
