"""Languages of an environment, and labels in them.

Source: Microsoft Learn, "RetrieveProvisionedLanguages function", "Label ComplexType" (``LocalizedLabels`` holds every
language, ``UserLocalizedLabel`` that of the caller) and "Customize labels to support multiple languages": a label that
nobody translated is shown in the base language.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field

#: English of the United States.
ENGLISH = 1033


@define
class Languages:
    """The languages of an environment.

    Attributes:
        base: The base language, in which everything has a label.
        provisioned: Languages that are switched on, by locale id, with the base language.
        user: The sync user's own language; ``None`` for the base language.
    """

    base: int = ENGLISH
    provisioned: list[int] = field(factory=lambda: [ENGLISH])
    user: int | None = None

    def label(self, text: str, others: Mapping[int, str]) -> dict[str, object]:
        """Return a label.

        Args:
            text: What it says in the base language.
            others: What it says in other languages, by locale id.
        """
        texts = {self.base: text} | {code: others[code] for code in self.provisioned if code in others}
        labels: list[dict[str, object]] = [
            {"Label": said, "LanguageCode": code, "IsManaged": False} for code, said in texts.items()
        ]
        own = next((label for label in labels if label["LanguageCode"] == self.user), labels[0])
        return {"LocalizedLabels": labels, "UserLocalizedLabel": own}

    def word(self, text: str, others: Mapping[int, str]) -> str:
        """Return what a label says to the sync user."""
        shown = self.label(text, others)["UserLocalizedLabel"]
        return str(shown["Label"]) if isinstance(shown, dict) else text
