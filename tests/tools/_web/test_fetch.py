"""Where pages are fetched from, and where not (`_web/fetch`, `_web/address`)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from fusion_graph.errors import ToolError
from fusion_graph.tools._web.address import is_public
from fusion_graph.tools._web.fetch import Web
from tests.tools.web_server import open_web, serving

PRIVATE = (
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),  # noqa: S104
    *("100.64.0.1", "198.18.0.1", "192.0.2.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::7f00:1", "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"),
    *("2001:0:0:0:0:0:80ff:fffe", "not an address", ""),
)


# security 22: one parser of addresses, the checked address is the one that is connected to, redirects are checked
# again, bytes and time have an end; all of this file


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_in_every_dress(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1:{port}/page", "http://localhost:{port}/page", "http://2130706433:{port}/page"),
        *("http://0x7f.1:{port}/page", "http://127.1:{port}/page", "http://[::1]:{port}/page"),
        *("http://[::ffff:127.0.0.1]:{port}/page", "http://0:{port}/page", "http://017700000001:{port}/page"),
        "http://169.254.169.254/latest/meta-data/",
    ],
)
async def test_this_machine_is_not_fetched(url: str) -> None:
    async with serving() as served:
        with pytest.raises(ToolError, match=r"private network|there is no host"):
            await Web().fetch(url.format(port=served.url.rpartition(":")[2]))
        assert served.asked == []


@pytest.mark.parametrize(
    "url",
    ["ftp://x.test/", "file:///etc/passwd", "gopher://x", "//x", "x", "http://", "http://x:99999/", "javascript:1"],
)
async def test_only_web_addresses(url: str) -> None:
    with pytest.raises(ToolError, match="address"):
        await Web().fetch(url)


async def test_no_passwords_and_no_blocked_domains() -> None:
    with pytest.raises(ToolError, match="name or password"):
        await Web().fetch("http://user:secret@x.test/")
    for host in ("evil.test", "a.EVIL.test", "evil.test."):
        with pytest.raises(ToolError, match="blocked domain"):
            await Web(blocked=("evil.test",)).fetch(f"http://{host}/")


async def test_a_page_is_fetched() -> None:
    async with serving() as served:
        page = await open_web().fetch(f"{served.url}/page")
        assert (page.status, page.media, page.cut) == (200, "text/html", False)
        moved = await open_web().fetch(f"{served.url}/to?url=/page")
        assert moved.url == f"{served.url}/page"


async def test_a_redirect_is_checked_like_the_first_address() -> None:
    """The same server also listens on another loopback address, which is not permitted."""
    async with serving() as served, serving("127.0.0.2") as other:
        with pytest.raises(ToolError, match="private network"):
            await open_web().fetch(f"{served.url}/to?url={other.url}/page")
        assert other.asked == []
        with pytest.raises(ToolError, match="blocked domain"):
            await open_web(blocked=("evil.test",)).fetch(f"{served.url}/to?url=http://evil.test/")
        with pytest.raises(ToolError, match="http or https"):
            await open_web().fetch(f"{served.url}/to?url=file:///etc/passwd")


async def test_redirects_bytes_and_time_have_an_end() -> None:
    async with serving() as served:
        with pytest.raises(ToolError, match="more than 5 times"):
            await open_web().fetch(f"{served.url}/loop")
        page = await open_web(max_bytes=1000).fetch(f"{served.url}/large")
        assert (len(page.body), page.cut) == (1000, True)
        with pytest.raises(ToolError, match=r"did not answer within 0\.2 s"):
            await open_web(seconds=0.2).fetch(f"{served.url}/stall")


async def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    """A name that changes its mind: it is looked up once, and the connection goes there."""
    looked: list[str] = []

    async def resolve(host: str, _port: int) -> Sequence[str]:
        looked.append(host)
        return ["127.0.0.1"] if len(looked) == 1 else ["127.0.0.2"]

    async with serving() as served:
        port = served.url.rpartition(":")[2]
        web = open_web(resolve=resolve)
        assert (await web.fetch(f"http://page.test:{port}/page")).status == 200
        assert looked == ["page.test"]
        with pytest.raises(ToolError, match="private network"):
            await web.fetch(f"http://page.test:{port}/page")


async def test_one_private_address_among_others_is_enough_to_refuse() -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return ["1.1.1.1", "10.0.0.1"]

    with pytest.raises(ToolError, match="private network"):
        await Web(resolve=resolve).fetch("http://mixed.test/")


async def test_a_dead_server_is_told() -> None:
    async with serving() as served:
        url = served.url
    with pytest.raises(ToolError, match="cannot be read"):
        await open_web(seconds=5).fetch(url)
