"""Ways round an edge of a graph: whether there is one, and the cheapest that could be opened.

Two vertices may be joined by several edges. Pure graph theory; `domain.small_cells` uses it.
"""

from collections.abc import Hashable, Iterable, Mapping
from heapq import heappop, heappush
from typing import Generic, NamedTuple, TypeVar

E = TypeVar("E", bound=Hashable)
Vertex = Hashable


class Ends(NamedTuple):
    """The two vertices that an edge joins."""

    one: Vertex
    other: Vertex


class Graph(Generic[E]):
    """An undirected graph of edges with names."""

    def __init__(self, edges: Mapping[E, Ends]) -> None:
        self.edges = edges
        self.at: dict[Vertex, list[tuple[E, Vertex]]] = {}
        for edge, (one, other) in edges.items():
            self.at.setdefault(one, []).append((edge, other))
            self.at.setdefault(other, []).append((edge, one))

    def bridges(self, among: Iterable[E]) -> set[E]:
        """The edges without which the graph of the edges `among` would fall apart where they are."""
        part = set(among)
        order: dict[Vertex, int] = {}
        low: dict[Vertex, int] = {}
        found: set[E] = set()
        for edge in part:
            start = self.edges[edge].one
            if start not in order:
                self._explore(start, part, order, low, found)
        return found

    def _explore(
        self, start: Vertex, part: set[E], order: dict[Vertex, int], low: dict[Vertex, int], found: set[E]
    ) -> None:
        """Depth first from a vertex; an edge is a bridge when nothing beyond it leads back before it."""
        order[start] = low[start] = len(order)
        path = [(start, None, iter(self.at[start]))]
        while path:
            vertex, came_by, rest = path[-1]
            for edge, beyond in rest:
                if edge not in part or edge == came_by:
                    continue
                if beyond in order:
                    low[vertex] = min(low[vertex], order[beyond])
                    continue
                order[beyond] = low[beyond] = len(order)
                path.append((beyond, edge, iter(self.at[beyond])))  # type: ignore[arg-type]
                break
            else:
                path.pop()
                if path:
                    before = path[-1][0]
                    low[before] = min(low[before], low[vertex])
                    if low[vertex] > order[before]:
                        found.add(came_by)  # type: ignore[arg-type]

    def bypass(self, edge: E, cost: Mapping[E, int]) -> list[E] | None:
        """The edges of the cheapest way from one end of an edge to the other that doesn't use it, over edges with a cost."""
        start, goal = self.edges[edge]
        # The number breaks ties by the order of edges, so that the answer doesn't depend on hashes.
        queue: list[tuple[int, int, Vertex, E | None, Vertex]] = [(0, 0, start, None, start)]
        came: dict[Vertex, tuple[E | None, Vertex]] = {}
        number = 0
        while queue:
            spent, _, vertex, by, before = heappop(queue)
            if vertex in came:
                continue
            came[vertex] = by, before
            if vertex == goal:
                return _way(came, start, goal)
            for next_edge, beyond in self.at[vertex]:
                if next_edge != edge and next_edge in cost and beyond not in came:
                    number += 1
                    heappush(queue, (spent + cost[next_edge], number, beyond, next_edge, vertex))
        return None


def _way(came: Mapping[Vertex, tuple[E | None, Vertex]], start: Vertex, goal: Vertex) -> list[E]:
    way: list[E] = []
    at = goal
    while at != start:
        edge, at = came[at]
        assert edge is not None, "every vertex but the first was reached by an edge"
        way.append(edge)
    return way
