"""A made-up help centre whose questions are easy to tell apart, and labels for it."""

import json

THINGS = {
    "password": ("reset", "forgotten", "login", "email"),
    "invoice": ("download", "tax", "receipt", "billing"),
    "parcel": ("track", "courier", "late", "shipping"),
    "camera": ("blurry", "lens", "night", "picture"),
    "router": ("wifi", "channel", "signal", "antenna"),
    "battery": ("charge", "empty", "cable", "power"),
    "garden": ("sprinkler", "water", "schedule", "lawn"),
    "thermostat": ("heating", "degrees", "warm", "boiler"),
}
UNKNOWN = ("opera", "giraffe", "volcano", "poem", "chess", "recipe", "election", "dinosaur")
WAYS = (
    "how do i {a} the {thing}",
    "{thing} {a} {b}",
    "where can i see {b} for my {thing}",
    "my {thing} {b} again what now",
    "is there a {a} {b} for this {thing}",
    "tell me about {thing} and {a}",
    "{b} {thing} does nothing",
    "the {thing} {a} went strange today",
)


def article(thing):
    """One article as Markdown."""
    a, b, c, d = THINGS[thing]
    return (
        f"---\nid: {thing}\ntopic: {thing}s\nlanguage: en\n---\n# About the {thing}\n\n"
        f"To {a} the {thing}, open the page {thing} and choose {b}. The {thing} shows {a} then.\n\n"
        f"## The {thing} and {c}\n\n"
        f"If the {thing} says {c} or {d}, press {d} on the {thing} and wait for {c}.\n"
    )


def articles():
    """All of them, by file name."""
    return {thing: article(thing) for thing in THINGS}


def rows(ways=WAYS, tiers=("standard",)):
    """Labels as rows of a file: each thing asked about in each way, and what nobody answers."""
    made = []
    for thing, words in THINGS.items():
        for n, way in enumerate(ways):
            a, b = words[n % 4], words[(n + 1) % 4]
            text = way.format(thing=thing, a=a, b=b)
            made.append(row(len(made), text, thing, tier=tiers[len(made) % len(tiers)]))
    for one in UNKNOWN:
        for other in UNKNOWN[:4]:
            text = f"what do you think of the {one} and the {other} in {one}land"
            made.append(row(len(made), text, None, tier=tiers[len(made) % len(tiers)]))
    return made


def row(number, text, accept, **more):
    """One label as a row; without an article nobody can answer it."""
    expected = "escalate" if accept is None else "auto_resolve"
    accept_ids = [] if accept is None else [accept]
    return {
        "id": f"L-{number}",
        "text": text,
        "expected": expected,
        "accept_ids": accept_ids,
    } | more


def write(path, made):
    """Write rows, or raw lines, to a file of labels."""
    lines = [one if isinstance(one, str) else json.dumps(one) for one in made]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
