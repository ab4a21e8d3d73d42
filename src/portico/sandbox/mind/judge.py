"""Scores texts for moderation with small word lists of our own: crude, but steady and easy to foresee."""

import re

from portico.sandbox.mind import tokens

# A phrase of a category weighs as much as its number; the rest of a text dilutes nothing.
SIGNS: dict[str, dict[str, float]] = {
    "harassment": {"idiot": 0.7, "loser": 0.6, "shut up": 0.6, "stupid": 0.55, "worthless": 0.7, "moron": 0.7},
    "harassment/threatening": {"you will regret": 0.6, "i will hurt you": 0.9, "i will find you": 0.7},
    "hate": {"subhuman": 0.8, "inferior race": 0.9, "go back to your country": 0.7},
    "hate/threatening": {"wipe them out": 0.8, "exterminate them": 0.9},
    "illicit": {"pick a lock": 0.5, "shoplift": 0.7, "launder money": 0.7, "fake passport": 0.8, "steal a car": 0.8},
    "illicit/violent": {"build a bomb": 0.9, "make a bomb": 0.9, "untraceable gun": 0.8},
    "self-harm": {"hurt myself": 0.8, "self-harm": 0.6, "suicide": 0.6, "kill myself": 0.9},
    "self-harm/intent": {"i want to die": 0.9, "kill myself": 0.9, "end my life": 0.9, "hurt myself": 0.7},
    "self-harm/instructions": {"how to hurt myself": 0.8, "ways to kill myself": 0.9},
    "sexual": {"porn": 0.8, "explicit sex": 0.8, "erotic": 0.7, "nude": 0.5},
    "sexual/minors": {"child porn": 0.99, "underage sex": 0.99},
    "violence": {"kill": 0.6, "murder": 0.7, "stab": 0.7, "shoot": 0.55, "beat him up": 0.7, "hurt you": 0.6},
    "violence/graphic": {"dismember": 0.8, "gore": 0.7, "severed": 0.6, "blood everywhere": 0.7},
}
FLAGGED_FROM = 0.5
QUIET = 0.00002


def scores(text: str) -> dict[str, float]:
    """A score from 0 to 1 for every category; several signs add up."""
    flat = " ".join(tokens.words(text.replace("-", " ")))
    found: dict[str, float] = {}
    for category, signs in SIGNS.items():
        calm = 1.0
        for sign, weight in signs.items():
            if re.search(rf"\b{re.escape(sign.replace('-', ' '))}", flat):
                calm *= 1 - weight
        found[category] = round(1 - calm, 6) or QUIET
    return found
