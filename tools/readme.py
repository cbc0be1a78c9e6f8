"""The fenced blocks of README.md."""

import re

from interface import ROOT


def block(language, number=0):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[number]


def program():
    """The C program, and what it is said to print."""
    return block("c"), block("text")


def pipeline():
    return block("c", 1)


def session():
    """The shell session as pairs of a command and what it is said to print."""
    return re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block("console"), re.MULTILINE)
