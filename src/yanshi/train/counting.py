"""How people word numbers, distances, angles and durations, in Chinese and English."""

import random

DIGITS_ZH = "零一二三四五六七八九"
ONES_EN = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
TENS_EN = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def number_zh(n: int) -> str:
    """Write 0 to 9999 in Chinese."""
    if n < 10:
        return DIGITS_ZH[n]
    if n < 20:
        return "十" + (DIGITS_ZH[n % 10] if n % 10 else "")
    for unit, name in ((1000, "千"), (100, "百"), (10, "十")):
        if n >= unit:
            rest = n % unit
            gap = "零" if rest and rest < unit // 10 else ""
            tail = number_zh(rest) if rest else ""
            if gap == "" and unit == 100 and 10 <= rest < 20:
                tail = "一" + tail
            return DIGITS_ZH[n // unit] + name + gap + tail
    raise AssertionError(n)


def number_en(n: int) -> str:
    """Write 0 to 999 in English."""
    if n < 20:
        return ONES_EN[n]
    if n < 100:
        return TENS_EN[n // 10] + ("-" + ONES_EN[n % 10] if n % 10 else "")
    tail = n % 100
    return ONES_EN[n // 100] + " hundred" + (" and " + number_en(tail) if tail else "")


def plain(value: float) -> str:
    """Write a number as the plan language does: at most one decimal, no trailing zero."""
    return f"{value:.1f}".removesuffix(".0")


def metres_zh(rng: random.Random, tenths: int) -> str:
    """Word a distance, given in tenths of a metre."""
    whole, tenth = divmod(tenths, 10)
    unit = rng.choice(("米", "米", "米", "公尺", "m"))
    count = "两" if whole == 2 else number_zh(whole)
    ways = [plain(tenths / 10) + unit]
    if tenth == 0:
        ways += [count + ("米" if unit == "m" else unit)] * 3
    elif whole == 0:
        ways += [
            f"{tenths * 10}{rng.choice(('厘米', '公分', 'cm'))}",
            number_zh(tenths * 10) + "厘米",
        ]
        ways += ["半米", "半公尺", "半米"] if tenth == 5 else []
    else:
        ways += [f"{count}米{number_zh(tenth)}", f"{number_zh(whole)}点{number_zh(tenth)}米"]
        ways += [f"{count}米半"] if tenth == 5 else []
    if tenth in (0, 5) and 0 < tenths <= 50:
        steps = tenths // 5
        ways += [("两" if steps == 2 else number_zh(steps)) + "步", f"{steps}步"]
    return rng.choice(ways)


def metres_en(rng: random.Random, tenths: int) -> str:
    """Word a distance, given in tenths of a metre."""
    whole, tenth = divmod(tenths, 10)
    many = "" if tenths == 10 else "s"
    unit = rng.choice((f"metre{many}", f"meter{many}", f"metre{many}", "m"))
    long_unit = f"metre{many}" if unit == "m" else unit
    ways = [f"{plain(tenths / 10)} {unit}"]
    if tenth == 0:
        ways += [f"{number_en(whole)} {long_unit}"] * 3 + (["a metre"] if whole == 1 else [])
    elif whole == 0:
        ways += [f"{tenths * 10} {rng.choice(('cm', 'centimetres', 'centimeters'))}"]
        ways += ["half a metre", "half a meter", "half a metre"] if tenth == 5 else []
    else:
        ways += [f"{number_en(whole)} point {number_en(tenth)} {long_unit}"]
        ways += [f"{number_en(whole)} and a half metres"] if tenth == 5 else []
    if tenth in (0, 5) and 0 < tenths <= 50:
        steps = tenths // 5
        ways += [f"{number_en(steps)} step" + ("s" if steps > 1 else "")]
    return rng.choice(ways)


def degrees_zh(rng: random.Random, degrees: int) -> str:
    """Word an angle."""
    ways = [f"{degrees}度", number_zh(degrees) + "度", f"{degrees}°"]
    ways += {90: ["四分之一圈", "一个直角"], 180: ["半圈"], 360: ["一圈"]}.get(degrees, [])
    return rng.choice(ways)


def degrees_en(rng: random.Random, degrees: int) -> str:
    """Word an angle."""
    ways = [f"{degrees} degrees", number_en(degrees) + " degrees", f"{degrees} deg", f"{degrees}°"]
    ways += {90: ["a quarter turn"], 180: ["half a turn"], 360: ["a full turn"]}.get(degrees, [])
    return rng.choice(ways)


def seconds_zh(rng: random.Random, seconds: int) -> str:
    """Word a duration."""
    count = "两" if seconds == 2 else number_zh(seconds)
    ways = [f"{seconds}秒", f"{count}秒", f"{seconds}秒钟", f"{count}秒钟"]
    ways += {30: ["半分钟"], 60: ["一分钟"]}.get(seconds, [])
    return rng.choice(ways)


def seconds_en(rng: random.Random, seconds: int) -> str:
    """Word a duration."""
    many = "" if seconds == 1 else "s"
    ways = [f"{seconds} second{many}", f"{number_en(seconds)} second{many}", f"{seconds} sec"]
    ways += {1: ["a second"], 30: ["half a minute"], 60: ["a minute"]}.get(seconds, [])
    return rng.choice(ways)
