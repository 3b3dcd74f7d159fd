"""The folder's state under shadow refs of its git repository: no branch, no index and no file of the user's is touched
when it is kept, and files that nobody has committed are in it too, but for those git ignores.
"""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from fusion_graph.errors import ToolError, UsageError

SECONDS = 120.0
REFS = "refs/fusion_graph"
_GIT = ("git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false")
_WHO = tuple(
    f"GIT_{who}_{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME=fusion_graph", "EMAIL=agent@localhost")
)


@dataclass(slots=True, kw_only=True)
class Checkpoints:
    """Of one session. `kept` are the commits, oldest first."""

    root: Path
    session: str
    kept: list[str] = field(default_factory=list)

    async def check(self) -> None:
        """Raises UsageError where there is no repository."""
        try:
            await self._git("rev-parse", "--git-dir")
        except ToolError as fault:
            raise UsageError(f"{self.root} is in no git repository", hint="git init, or no --checkpoint") from fault

    async def recall(self) -> None:
        """Those that the session made before it was left; none where there is no repository."""
        self.kept.clear()
        with suppress(ToolError):
            found = await self._git("for-each-ref", "--format=%(refname:lstrip=3) %(objectname)", self._folder)
            numbered = [(int(name), commit) for name, commit in map(str.split, found.splitlines()) if name.isdigit()]
            self.kept += [commit for _, commit in sorted(numbered)]

    async def keep(self) -> str:
        """Keep everything as it is now; the commit. Raises ToolError."""
        commit = await self._commit()
        self.kept.append(commit)
        await self._git("update-ref", f"{self._folder}{len(self.kept)}", commit)
        return commit

    @property
    def _folder(self) -> str:
        return f"{REFS}/{self.session}/"

    async def _commit(self) -> str:
        with tempfile.TemporaryDirectory() as folder:
            index = await self._index(folder)
            tree = await self._git("write-tree", index=index)
            return await self._git("commit-tree", tree, "-m", f"fusion_graph checkpoint of {self.session}")

    async def put_back(self) -> list[str]:
        """Undo what was done since the last checkpoint; the paths that changed. What is undone is kept first, so that
        nothing is lost. Raises ToolError."""
        if not self.kept:
            raise ToolError("there is no checkpoint to go back to")
        number, commit = len(self.kept), self.kept[-1]
        undone = await self._commit()
        await self._git("update-ref", f"{self._folder}undone/{undone}", undone)
        changed = await self._git("diff", "--name-only", "--relative", "--no-ext-diff", commit, undone, "--", ".")
        if changed:
            with tempfile.TemporaryDirectory() as folder:
                index = await self._index(folder)
                await self._git("restore", f"--source={commit}", "--worktree", "--", ".", index=index)
        self.kept.pop()
        await self._git("update-ref", "-d", f"{self._folder}{number}", commit)
        return changed.splitlines()

    async def _index(self, folder: str) -> str:
        """An index of its own with everything in it as it lies in the folder."""
        index = str(Path(folder) / "index")
        with suppress(ToolError):  # nothing was committed yet
            await self._git("read-tree", "HEAD", index=index)
        await self._git("add", "--all", "--", ".", index=index)
        return index

    async def _git(self, *arguments: str, index: str = "") -> str:
        process = await asyncio.create_subprocess_exec(
            *("env", *_WHO, *([f"GIT_INDEX_FILE={index}"] if index else ()), *_GIT, *arguments),
            cwd=self.root,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(SECONDS):
                out, err = await process.communicate()
        except BaseException:
            if process.returncode is None:
                process.kill()
            await process.wait()
            raise
        if process.returncode:
            told = err.decode(errors="replace").strip().splitlines()
            raise ToolError(f"git {arguments[0]}: {told[-1] if told else process.returncode}")
        return out.decode(errors="replace").strip()
