"""`yanshi skills`: what the robot can do."""

from rich.console import Console
from rich.table import Table


def skills() -> None:
    """List what the robot can do, and how a plan asks for it."""
    from yanshi.skills.skill import installed_skills

    table = Table(title="Skills 技能", title_justify="left")
    for column in ("skill", "in a plan", "risk", "what it does", "做什么"):
        table.add_column(column, overflow="fold")
    for name, skill in installed_skills().items():
        syntax = "\n".join(f"{name} {form}".rstrip() for form in skill.syntax)
        table.add_row(name, syntax, getattr(skill, "risk", "?"), *skill.summary)
    Console().print(table, markup=False)
