"""What an answer of a hired model costs: its tokens, by a price list with a date, and its bytes."""

from yanshi.ledger.catalog import Link, Model


def has_price(model: Model) -> bool:
    """Whether it is known what a model is hired for."""
    return model.price_in_usd_m is not None and model.price_out_usd_m is not None


def answer_usd(model: Model, read: float, written: float, remembered: float = 0.0) -> float:
    """Return what the tokens of one answer cost; 0 where the price is not known.

    Args:
        model: Who answers.
        read: Tokens of the question with its instructions.
        written: Tokens of the answer.
        remembered: How many of those that are read the service has read before and lets go
            cheaper, where its list says so.
    """
    if model.price_in_usd_m is None or model.price_out_usd_m is None:
        return 0.0
    cheaper = model.price_in_usd_m
    if model.price_cached_usd_m is not None:
        cheaper = model.price_cached_usd_m
    paid = (read - remembered) * model.price_in_usd_m + remembered * cheaper
    return (paid + written * model.price_out_usd_m) * 1e-6


def carried_usd(link: Link, carried_bytes: float) -> float:
    """Return what a link takes for that many bytes."""
    return carried_bytes * 1e-9 * link.price_usd_gb


def ask_for_price(model: Model) -> str:
    """Say that a price is not known and how to give it."""
    return (
        f"What an answer of {model.id} costs is not told, as its price is unknown: give it in a "
        f'TOML file, [models."{model.id}"] with price_in_usd_m = … and price_out_usd_m = …, $ for '
        "a million tokens read and written, and name that in YANSHI_LEDGER."
    )
