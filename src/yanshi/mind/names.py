"""What the words of the plan language are called in Chinese and English.

The one table of names: replies speak with it, and the sentences that train the language model
begin from it. A word that is missing here (another world's place, say) is spoken as it is written.
"""

from yanshi.mind.tongue import to_traditional

NAMES: dict[str, tuple[str, str]] = {
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
}
"""Plan word to its English and its Chinese (simplified) name."""


def spoken(name: str, language: str) -> str:
    """Say a name of the plan language in `zh-Hans`, `zh-Hant` or `en`: `red cup` is 红色的杯子."""
    is_chinese = language.startswith("zh")
    words = [NAMES.get(word, (word, word))[is_chinese] for word in name.split()]
    said = ("的" if is_chinese else " ").join(words)
    return to_traditional(said) if language == "zh-Hant" else said
