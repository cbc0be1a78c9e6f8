#!/usr/bin/python3
"""Writes a file as the initializer of an array of bytes: embed.py INPUT OUTPUT."""

import sys

with open(sys.argv[1], "rb") as source:
    image = source.read()
with open(sys.argv[2], "w", encoding="ascii") as target:
    for start in range(0, len(image), 24):
        target.write("".join(f"{byte}," for byte in image[start : start + 24]) + "\n")
