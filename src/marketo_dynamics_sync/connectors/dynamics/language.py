"""Languages by name and by locale id, as Dataverse has them.

Source: Microsoft Learn, "Language collation" and the locale ids of "[MS-LCID]: Windows Language Code Identifier".
"""

from __future__ import annotations

from typing import Final

from ...errors import ConfigurationError

#: Languages that Dataverse has packs for, as name and locale id.
_IDS: Final = {
    "ar-SA": 1025, "bg-BG": 1026, "ca-ES": 1027, "cs-CZ": 1029, "da-DK": 1030, "de-DE": 1031, "el-GR": 1032,
    "en-US": 1033, "es-ES": 3082, "et-EE": 1061, "eu-ES": 1069, "fi-FI": 1035, "fr-FR": 1036, "gl-ES": 1110,
    "he-IL": 1037, "hi-IN": 1081, "hr-HR": 1050, "hu-HU": 1038, "id-ID": 1057, "it-IT": 1040, "ja-JP": 1041,
    "kk-KZ": 1087, "ko-KR": 1042, "lt-LT": 1063, "lv-LV": 1062, "ms-MY": 1086, "nb-NO": 1044, "nl-NL": 1043,
    "pl-PL": 1045, "pt-BR": 1046, "pt-PT": 2070, "ro-RO": 1048, "ru-RU": 1049, "sk-SK": 1051, "sl-SI": 1060,
    "sr-Cyrl-CS": 3098, "sr-Latn-CS": 2074, "sv-SE": 1053, "th-TH": 1054, "tr-TR": 1055, "uk-UA": 1058,
    "vi-VN": 1066, "zh-CN": 2052, "zh-HK": 3076, "zh-TW": 1028,
}  # fmt: skip
_NAMES: Final = {code: name for name, code in _IDS.items()}


def locale_id(language: int | str) -> int:
    """Return the locale id of a language.

    Args:
        language: A locale id, which is taken as it is, or a name: ``"de-DE"``, or ``"de"`` where there is one ``de``.

    Raises:
        ConfigurationError: It is neither, or the name stands for several.
    """
    if type(language) is int and language > 0:
        return language
    if isinstance(language, str):
        wanted = language.strip().replace("_", "-").casefold()
        if wanted.isdecimal():
            return int(wanted)
        near = [name for name in _IDS if name.casefold() == wanted or name.casefold().startswith(f"{wanted}-")]
        if len(near) == 1:
            return _IDS[near[0]]
        if near:
            raise ConfigurationError(f"language: {language!r} can be any of {', '.join(near)}; give one of these")
    raise ConfigurationError(
        f"language: {language!r} is no language that Dataverse has a pack for. Give a locale id, such as 1031, or one "
        f"of {', '.join(_IDS)}"
    )


def language_name(code: int) -> str:
    """Return a locale id with its name, where it is known."""
    return f"{code} ({_NAMES[code]})" if code in _NAMES else str(code)
