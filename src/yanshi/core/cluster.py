"""Work in the processes of a Ray cluster, where one is there."""

from importlib.util import find_spec
from typing import Any

from yanshi.core.errors import ConfigError

LOCAL = "local"
"""The address that starts a cluster on this machine and ends it again."""


def connect(address: str, workers: int) -> Any:
    """Return Ray, connected.

    Args:
        address: Of the cluster's head, `local` to start one here, or `auto`.
        workers: How many processes a cluster that is started here gets.

    Raises:
        ConfigError: Ray is not installed, or no cluster answers at the address.
    """
    if find_spec("ray") is None:
        raise ConfigError(
            "--ray needs Ray, which is not installed. This installs it: "
            "pip install 'yanshi-robot[ray]'",
            zh="--ray 需要 Ray，但没有安装。安装：pip install 'yanshi-robot[ray]'",
        )
    import ray

    try:
        if address == LOCAL:
            # Workers wait for each other, so more of them than cores do no harm.
            ray.init(address=LOCAL, num_cpus=workers, include_dashboard=False, log_to_driver=False)
        else:
            ray.init(address=address, log_to_driver=False)
    except (ConnectionError, ValueError) as error:
        raise ConfigError(
            f"No Ray cluster answers at {address!r}: {error}. "
            "Start one with `ray start --head`, or use --ray local.",
            zh=f"{address!r} 处没有 Ray 集群：{error}。用 `ray start --head` 启动一个，"
            "或使用 --ray local。",
        ) from error
    return ray
