"""How deep a query goes and how much it may fetch, known before anything is fetched; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    parse,
)

from kbsupport.api.paging import MOST
from kbsupport.api.problems import Problem

DEEPEST, DEAREST = 8, 5000
USUAL = 20
_MOST_TOKENS = 2000
# What gives several rows, so that all below it is fetched for each; and what counts more than one.
_ROWS = frozenset({"tickets", "escalations", "articles", "messages"})
_PRICE: Mapping[str, int] = {"metrics": 1000}


@dataclass(frozen=True, slots=True)
class Weight:
    """What a selection asks for; `inward` is true if it asks about the schema itself."""

    depth: int = 0
    cost: int = 0
    inward: bool = False

    def __or__(self, other: Weight) -> Weight:
        return Weight(
            max(self.depth, other.depth), self.cost + other.cost, self.inward or other.inward
        )


def check(query: str, variables: Mapping[str, Any] | None, *, inward: bool) -> None:
    """Refuse what goes too deep or fetches too much; only staff may ask about the schema."""
    try:
        document = parse(query, max_tokens=_MOST_TOKENS, no_location=True)
        found = _Weighing(document, variables or {}).whole()
    except GraphQLSyntaxError as error:
        raise Problem(400, f"the query cannot be read: {error.message}") from None
    except RecursionError:  # an older parser than ours counts no levels itself
        raise Problem(400, f"the query goes deeper than {DEEPEST}") from None
    if found.inward and not inward:
        raise Problem(403, "the schema is shown to staff; docs/graphql.md has it")
    # Questions about the schema are deep by nature.
    if found.depth > DEEPEST and not found.inward:
        raise Problem(400, f"the query goes {found.depth} deep; at most {DEEPEST}")
    if found.cost > DEAREST:
        raise Problem(400, f"the query may fetch {found.cost} fields; at most {DEAREST}")


class _Weighing:
    """Weighs each fragment once, however often it is named."""

    def __init__(self, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self._document, self._variables = document, variables
        self._fragments = {
            one.name.value: one
            for one in document.definitions
            if isinstance(one, FragmentDefinitionNode)
        }
        self._known: dict[str, Weight] = {}
        self._open: set[str] = set()

    def whole(self) -> Weight:
        """Of every operation together."""
        made = Weight()
        for one in self._document.definitions:
            if isinstance(one, OperationDefinitionNode):
                made |= self._of(one.selection_set)
        return made

    def _of(self, chosen: SelectionSetNode | None) -> Weight:
        made = Weight()
        for one in chosen.selections if chosen else ():
            if isinstance(one, FieldNode):
                made |= self._field(one)
            elif isinstance(one, InlineFragmentNode):
                made |= self._of(one.selection_set)
            elif isinstance(one, FragmentSpreadNode):
                made |= self._fragment(one.name.value)
        return made

    def _field(self, field: FieldNode) -> Weight:
        name, below = field.name.value, self._of(field.selection_set)
        inward = below.inward or (name.startswith("__") and name != "__typename")
        cost = _PRICE.get(name, 1) + self._times(field) * below.cost
        return Weight(below.depth + 1, cost, inward)

    def _fragment(self, name: str) -> Weight:
        if name in self._open:
            raise Problem(400, "its fragments go round in a circle")
        if name not in self._known:
            found = self._fragments.get(name)
            self._open.add(name)
            self._known[name] = self._of(found.selection_set if found else None)
            self._open.remove(name)
        return self._known[name]

    def _times(self, field: FieldNode) -> int:
        if field.name.value not in _ROWS:
            return 1
        first = next(
            (one.value for one in field.arguments or () if one.name.value == "first"), None
        )
        if first is None:
            return USUAL
        wanted: Any = None
        if isinstance(first, IntValueNode):
            wanted = int(first.value)
        elif isinstance(first, VariableNode):
            wanted = self._variables.get(first.name.value)
        # What is no number here may still become the most there is.
        return min(max(wanted, 0), MOST) if isinstance(wanted, int) else MOST
