"""Which mind a robot thinks with, as a user names it.

onboard                        the model that comes with Yanshi, and its adapter
bare                           the same model without the adapter
FILE.gguf                      another model, told the language by examples
FILE.gguf+ADAPTER.gguf         another model with an adapter trained for it
cloud:URL#model                an endpoint for every sentence, ours when it does not answer
hybrid:URL#model               an endpoint for the sentences that are worth it
hybrid                         the same, with the address from YANSHI_CLOUD
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

from yanshi.core.errors import ConfigError
from yanshi.ledger.weather import Weather
from yanshi.mind.cloud import Cloud, CloudConfig
from yanshi.mind.dialects import recognise
from yanshi.mind.hybrid import HybridMind
from yanshi.mind.mind import Mind
from yanshi.mind.model import BARE, ModelConfig
from yanshi.mind.router import Router, place_for

ADDRESS, KEY = "YANSHI_CLOUD", "YANSHI_API_KEY"
"""Where the address of the cloud mind and its key are kept."""
HELP = (
    "onboard; bare; FILE.gguf[+ADAPTER.gguf]; cloud:URL#model; hybrid:URL#model. "
    f"Default: hybrid if ${ADDRESS} holds URL#model, else onboard. The key is ${KEY}."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrainChoice:
    """A mind that can be started."""

    model: ModelConfig = ModelConfig()
    """What thinks on this machine."""
    cloud: CloudConfig | None = None
    is_always_sent: bool = False
    """Whether every sentence is sent."""

    @property
    def name(self) -> str:
        """What a record calls it."""
        if self.cloud is None:
            return self.model.name
        kind = "cloud" if self.is_always_sent else "hybrid"
        return f"{kind}:{self.cloud.url}#{self.cloud.model}"

    def start(self, weather: Weather | None = None) -> Mind | HybridMind:
        """Start its processes; returns at once.

        Args:
            weather: A link that holds up or loses what a mind in the cloud answers.
        """
        onboard = Mind(self.model)
        if self.cloud is None:
            return onboard
        router = Router(place_for(self.cloud.url, self.cloud.model), is_always=self.is_always_sent)
        return HybridMind(onboard, Cloud(self.cloud), router, weather=weather)


def read_brain(
    text: str = "", deadline_ms: float = 0.0, environment: Mapping[str, str] = os.environ
) -> BrainChoice:
    """Read what a user wrote.

    Args:
        text: As above; empty for the default.
        deadline_ms: Longest time from a sentence to its plan with a mind in the cloud; 0 for the
            default.
        environment: Where address and key are looked up.

    Raises:
        ConfigError: It names no mind.
    """
    asked = text.strip() or ("hybrid" if environment.get(ADDRESS) else "onboard")
    kind, between, address = asked.partition(":")
    if kind in ("cloud", "hybrid"):
        address = address if between else environment.get(ADDRESS, "")
        if not address:
            raise ConfigError(
                f"The brain {asked!r} needs the address of an endpoint: {kind}:URL#model, or "
                f"URL#model in {ADDRESS}.",
                zh=f"{asked!r} 需要云端地址：写成 {kind}:URL#模型名，或放进环境变量 {ADDRESS}。",
            )
        url, _, model = address.partition("#")
        config = CloudConfig(url=url.strip(), model=model.strip(), key=_key(url, environment))
        if deadline_ms:
            config = replace(config, deadline_s=_deadline_s(deadline_ms))
        return BrainChoice(cloud=config, is_always_sent=kind == "cloud")
    if asked in ("onboard", "bare"):
        return BrainChoice(model=BARE if asked == "bare" else ModelConfig())
    source, _, adapter = asked.partition(".gguf+")
    if asked.endswith(".gguf"):
        source = source if source.endswith(".gguf") else f"{source}.gguf"
        return BrainChoice(model=ModelConfig(source=source, adapter=adapter))
    raise ConfigError(
        f"No brain is called {asked!r}. {HELP}", zh=f"没有名为 {asked!r} 的大脑。{HELP}"
    )


def _key(url: str, environment: Mapping[str, str]) -> str:
    names = (KEY, *recognise(url).keys)
    return next((environment[name] for name in names if environment.get(name)), "")


def _deadline_s(deadline_ms: float) -> float:
    if not 50.0 <= deadline_ms <= 60_000.0:
        raise ConfigError(
            f"A deadline of 50 to 60000 ms works for a mind in the cloud; asked: {deadline_ms:g}.",
            zh=f"云端大脑的期限应为 50 到 60000 毫秒，得到的是 {deadline_ms:g}。",
        )
    return deadline_ms * 1e-3
