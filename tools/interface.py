"""What the public headers declare, as text: for the checks that compare it with something else."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADERS = ROOT / "include" / "processkit"

ATTRIBUTES = re.compile(r"\bPK_(?:API|NODISCARD|SENTINEL)\b|\bPK_PRINTF\([^)]*\)")
FUNCTION = re.compile(r"\bPK_API\b([^;{}]*);")
NAME = re.compile(r"(pk_\w+)\(")


def without_comments(text):
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.DOTALL)


def normal(prototype):
    """One spelling for one prototype: no attributes, and spaces only where C needs them."""
    text = ATTRIBUTES.sub(" ", prototype)
    text = re.sub(r"\s+", " ", text).strip().rstrip(";")
    return re.sub(r" ?([*(),]) ?", r"\1", text)


def functions(header):
    """Name and normal prototype of every function that a header exports."""
    text = without_comments(header.read_text(encoding="utf-8"))
    text = re.sub(r"^\s*#define.*(?:\\\n.*)*", "", text, flags=re.MULTILINE)
    found = {}
    for match in FUNCTION.finditer(text):
        prototype = normal(match.group(1))
        found[NAME.search(prototype).group(1)] = prototype
    return found


def headers():
    return sorted(HEADERS.glob("*.h"))


def all_functions():
    return {name: prototype for header in headers() for name, prototype in functions(header).items()}
