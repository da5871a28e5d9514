"""`yanshi policies`: the networks that come with Yanshi, and whether they fit."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from yanshi.core.errors import YanshiError


def policies(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Imported policies, a folder each.")
    ] = Path("out/policies"),
) -> None:
    """List the policies that come with Yanshi, and those that were imported."""
    from yanshi.policies.contract import installed_policies, load_contract
    from yanshi.policies.contract_file import CONTRACT_FILE
    from yanshi.robots.g1.spec import G1

    found = installed_policies()
    found |= {str(path.parent): path.parent for path in sorted(folder.glob(f"*/{CONTRACT_FILE}"))}
    table = Table(title="Policies 策略", title_justify="left")
    table.add_column("policy", no_wrap=True)
    for column in ("what it does", "sees → moves", "licence"):
        table.add_column(column, overflow="fold")
    for name, place in found.items():
        try:
            contract = load_contract(place, G1)
        except YanshiError as error:
            table.add_row(name, str(error))
            continue
        joints = f"{len(contract.joint_names)} → {len(contract.acts_on)}"
        table.add_row(name, contract.about, joints, contract.licence)
    Console().print(table, markup=False)
