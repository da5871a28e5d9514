"""`yanshi policy`: import a network, check a folder, seal a contract."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from yanshi.core.errors import ConfigError

policy = typer.Typer()

_IMPORTED = Path("out/policies")


@policy.command("import")
def import_policy(
    network: Annotated[
        str, typer.Argument(metavar="NAME|FILE", help="A network of the manifest, or an ONNX file.")
    ],
    kind: Annotated[
        str | None, typer.Option(help="walk or dance; found out from the inputs if not given.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where to; out/policies/… by default.")
    ] = None,
    action_scale: Annotated[
        float | None, typer.Option(help="rad per unit of action, if the network does not say.")
    ] = None,
    source: Annotated[str, typer.Option(help="Where a FILE comes from.")] = "",
    licence: Annotated[str, typer.Option(help="The terms of a FILE.")] = "",
) -> None:
    """Turn a ready network into a folder with a contract."""
    from yanshi.policies.importer import import_asset, import_network
    from yanshi.robots.g1.spec import G1

    path = Path(network)
    folder = to or _IMPORTED / path.stem
    if path.suffix != ".onnx":
        import_asset(network, folder, G1, kind)
    elif not source or not licence:
        raise ConfigError(
            "A file does not say whose it is. These would: --source and --licence.",
            zh="文件本身没有说明出处。请用 --source 与 --licence 写明来源和许可。",
        )
    else:
        import_network(
            path,
            folder,
            G1,
            source=source,
            licence=licence,
            kind=kind,
            action_scale=action_scale,
        )
    _show(folder)


@policy.command("check")
def check(
    name: Annotated[str, typer.Argument(metavar="NAME|FOLDER", help="A policy, or its folder.")],
) -> None:
    """Say what a policy is, or what in it does not agree."""
    from yanshi.policies.contract import installed_policies

    _show(installed_policies().get(name) or Path(name))


@policy.command("seal")
def seal(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="With a policy.toml.")],
) -> None:
    """Seal a contract as it stands, after a change that was meant, and check it."""
    from yanshi.policies import contract_file

    contract_file.seal(folder)
    _show(folder)


def _show(folder: Path) -> None:
    from yanshi.policies.contract import load_contract
    from yanshi.robots.g1.spec import G1

    contract = load_contract(folder, G1)
    title = f"{contract.name}: all of it agrees 完全相符"
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    rows = {
        "does": contract.about,
        "robot": f"{contract.robot}, {contract.rate_hz:g} Hz",
        "joints": f"sees {len(contract.joint_names)}, moves {len(contract.acts_on)}",
        "sees": "\n".join(
            f"{term.name}  {term.width}" + (f" × {term.history}" if term.history > 1 else "")
            for term in contract.observation
        ),
        "network": str(contract.network),
        "SHA-256": contract.network_sha256,
        "source": contract.source,
        "licence": contract.licence,
        "settings": "\n".join(f"{key} = {value}" for key, value in contract.settings.items()),
    }
    for name, text in rows.items():
        table.add_row(name, text)
    Console().print(table, markup=False)
