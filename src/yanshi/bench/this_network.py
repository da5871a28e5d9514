"""What the way from here to a server is as a link of the ledger."""

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.console import Console
from rich.progress import track

from yanshi.core.errors import ConfigError
from yanshi.ledger.catalog import Link

PATIENCE_S = 5.0
"""An exchange that takes longer is lost."""
PAUSE_S = 0.2
"""Between exchanges."""
LOST_IN_A_ROW = 2
"""So many lost exchanges in a row are an outage."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question to the server."""

    began_s: float
    took_s: float | None
    """There and back; None when nothing came."""


def exchange_with(
    url: str,
    n: int,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> list[Exchange]:
    """Ask a server for next to nothing, n times over one connection; any answer counts.

    Args:
        url: Where; with its scheme.
        n: How often.
        clock: Seconds, never going back.
        pause: Waits so many seconds.

    Raises:
        ConfigError: That is no address, or nothing answers there at all.
    """
    import httpx2

    if not url.startswith(("http://", "https://")):
        raise ConfigError(
            f"A server's address begins with http:// or https://; asked: {url!r}.",
            zh=f"服务器地址应以 http:// 或 https:// 开头；得到的是 {url!r}。",
        )
    found: list[Exchange] = []
    trouble = ""
    with httpx2.Client(timeout=PATIENCE_S) as client:
        for number in track(range(n + 1), description="asking", console=Console(stderr=True)):
            began_s = clock()
            took_s: float | None = None
            try:
                client.head(url)
                took_s = clock() - began_s
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                trouble = str(error) or type(error).__name__
            if number:  # The first one makes the connection.
                found.append(Exchange(began_s, took_s))
            pause(PAUSE_S)
    if all(exchange.took_s is None for exchange in found):
        raise ConfigError(
            f"{url} was asked {n} times and never answered: {trouble}.",
            zh=f"向 {url} 询问了 {n} 次，都没有回答：{trouble}。",
        )
    return found


def link_of(name: str, url: str, exchanges: Sequence[Exchange]) -> Link:
    """Return the link that exchanges are those of.

    Delays there and back are taken to be alike, independent and log-normal, and the server to take
    no time; what it took is in the delay. Single losses are loss, several in a row an outage.
    """
    took = [e.took_s for e in exchanges if e.took_s is not None]
    logs = [math.log(value) for value in took]
    # The spread of a sum of two is smaller than that of one, by the root of two where it is small.
    spread = statistics.stdev(logs) * math.sqrt(2.0) if len(logs) > 1 else 0.0
    outages = _outages(exchanges)
    out = sum(count for count, _ in outages)
    single = len(exchanges) - len(took) - out
    span_s = exchanges[-1].began_s - exchanges[0].began_s
    return Link(
        id=name,
        name=f"to {url}",
        delay_ms=round(statistics.median(took) * 1e3 / 2.0, 3),
        delay_spread=round(spread, 3),
        loss=round(single / max(1, len(exchanges) - out), 4),
        outage_every_s=round(span_s / len(outages), 1) if outages else 0.0,
        outage_s=round(statistics.mean(length for _, length in outages), 1) if outages else 0.0,
        confidence="medium",
        source=f"{len(exchanges)} exchanges in {span_s:.0f} s on "
        f"{datetime.now(UTC).date().isoformat()}; the server's own time is in the delay",
    )


def _outages(exchanges: Sequence[Exchange]) -> list[tuple[int, float]]:
    """Return how many exchanges each outage took, and how long it lasted, s."""
    found: list[tuple[int, float]] = []
    begun: int | None = None
    for index, exchange in enumerate(exchanges):
        if exchange.took_s is None:
            begun = index if begun is None else begun
            continue
        if begun is not None and index - begun >= LOST_IN_A_ROW:
            found.append((index - begun, exchange.began_s - exchanges[begun].began_s))
        begun = None
    if begun is not None and len(exchanges) - begun >= LOST_IN_A_ROW:
        last_s = exchanges[-1].began_s - exchanges[begun].began_s
        found.append((len(exchanges) - begun, last_s))
    return found


def as_toml(link: Link) -> str:
    """Return a link as a table of a file of one's own records."""
    figures = ("delay_ms", "delay_spread", "loss", "outage_every_s", "outage_s")
    lines = [f"[links.{link.id}]", f'name = "{link.name}"']
    lines += [f"{figure} = {getattr(link, figure)}" for figure in figures]
    lines += [f'confidence = "{link.confidence}"', f'source = "{link.source}"']
    return "\n".join(lines) + "\n"
