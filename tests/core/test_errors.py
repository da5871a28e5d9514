from yanshi.core.errors import ConfigError, UnknownNameError


def test_an_unknown_name_suggests_the_closest_known_one_in_both_languages():
    error = UnknownNameError("skill", "wavve", ["wave", "bow"])
    assert "Did you mean 'wave'?" in error.text("en")
    assert "bow, wave" in error.text("en")
    assert "'wave'" in error.text("zh-Hans")
    assert "可用的有" in error.text("zh-Hant")


def test_a_message_without_chinese_is_told_in_english():
    assert ConfigError("no").text("zh-Hans") == "no"
