"""What the words of the plan language are called in Chinese and English.

The one table of names: replies speak with it, the sentences that train the language model begin
from it, and what the adapter was never taught is understood by it (`mind.lexicon`). A word that
is missing here (another world's place, say) is spoken as it is written, and understood so. A user
adds names in a file, `$YANSHI_NAMES`, one a line: `aquarium = ["aquarium", "鱼缸", "fish tank"]`.
"""

import os
import tomllib
from pathlib import Path

from yanshi.core.errors import ConfigError
from yanshi.mind.tongue import to_traditional

NAMES: dict[str, tuple[str, ...]] = {
    # Kinds of things.
    "cube": ("cube", "方块"),
    "ball": ("ball", "球"),
    "cup": ("cup", "杯子"),
    "bowl": ("bowl", "碗"),
    "bottle": ("bottle", "瓶子"),
    "can": ("can", "罐子"),
    "plate": ("plate", "盘子"),
    "apple": ("apple", "苹果"),
    "banana": ("banana", "香蕉"),
    "walnut": ("walnut", "核桃"),
    "sausage": ("sausage", "香肠"),
    "book": ("book", "书"),
    "box": ("box", "盒子"),
    "person": ("person", "人"),
    # Colours.
    "red": ("red", "红色"),
    "green": ("green", "绿色"),
    "blue": ("blue", "蓝色"),
    "yellow": ("yellow", "黄色"),
    "orange": ("orange", "橙色"),
    "purple": ("purple", "紫色"),
    "white": ("white", "白色"),
    "brown": ("brown", "棕色"),
    # Places.
    "table": ("table", "桌子"),
    "shelf": ("shelf", "架子"),
    "door": ("door", "门"),
    "sofa": ("sofa", "沙发"),
    "plant": ("plant", "植物"),
    # Places and things that other worlds may have: known by name alone, never taught.
    "coffee_table": ("coffee table", "茶几", "tea table", "咖啡桌"),
    "window": ("window", "窗户", "窗子", "窗口", "窗台", "窗边"),
    "bed": ("bed", "床", "床铺"),
    "chair": ("chair", "椅子"),
    "stool": ("stool", "凳子", "板凳"),
    "cabinet": ("cabinet", "橱柜", "柜橱", "储物柜"),
    "wardrobe": ("wardrobe", "衣柜"),
    "fridge": ("fridge", "冰箱", "refrigerator", "电冰箱"),
    "stove": ("stove", "炉子", "灶台", "炉灶"),
    "sink": ("sink", "水槽", "洗手池", "水池"),
    "counter": ("counter", "台面", "柜台", "countertop"),
    "bench": ("bench", "长凳", "长椅"),
    "bin": ("bin", "垃圾桶", "trash can", "rubbish bin"),
    "basket": ("basket", "篮子"),
    "tray": ("tray", "托盘"),
    "lamp": ("lamp", "灯", "台灯", "落地灯"),
    "television": ("television", "电视", "电视机", "tv"),
    "fireplace": ("fireplace", "壁炉"),
    "piano": ("piano", "钢琴"),
    "whiteboard": ("whiteboard", "白板"),
    "charger": ("charger", "充电桩", "充电座", "charging station", "charging dock"),
    "stairs": ("stairs", "楼梯"),
    "kitchen": ("kitchen", "厨房"),
    "bedroom": ("bedroom", "卧室"),
    "balcony": ("balcony", "阳台"),
    "corridor": ("corridor", "走廊"),
}
"""Plan word to its English and its Chinese (simplified) name, and what else it may be called."""
OWN = "YANSHI_NAMES"
"""Environment variable with the path of a user's own names."""


def read_names(path: Path) -> dict[str, tuple[str, ...]]:
    """Read a file of names.

    Raises:
        ConfigError: It is missing or not of the form above.
    """
    try:
        record = tomllib.loads(path.read_text(encoding="utf8"))
        names = {word: tuple(called) for word, called in record.items()}
        is_right = all(
            isinstance(called, list)
            and len(called) >= 2
            and all(isinstance(c, str) for c in called)
            for called in record.values()
        )
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(
            f"{OWN} names {path}, which cannot be read: {error}. {_FORM}",
            zh=f"{OWN} 指定的 {path} 无法读取：{error}。{_FORM}",
        ) from error
    if not is_right:
        raise ConfigError(
            f"{path}: every line is a word with its English and its Chinese name. {_FORM}",
            zh=f"{path}：每行是一个词和它的英文、中文名称。{_FORM}",
        )
    return names


_FORM = 'aquarium = ["aquarium", "鱼缸", "fish tank"]'
if os.environ.get(OWN):
    NAMES |= read_names(Path(os.environ[OWN]))


def spoken(name: str, language: str) -> str:
    """Say a name of the plan language in `zh-Hans`, `zh-Hant` or `en`: `red cup` is 红色的杯子."""
    is_chinese = language.startswith("zh")
    words = [NAMES.get(word, (word, word))[is_chinese] for word in name.split()]
    said = ("的" if is_chinese else " ").join(words)
    return to_traditional(said) if language == "zh-Hant" else said
