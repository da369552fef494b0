"""Made-up mentoring, at the rates of real mentoring: messages for load, for demonstrations and for tests.

The same options give the same bytes, on every machine. Every message is one that the rules accept. Messages come in
the order of their `time`, all relationships interleaved, as they would from live services; what is in memory are the
relationships alive at that time, never the messages.
"""

from infra.simulate.stream import Simulation, messages

__all__ = ["Simulation", "messages"]
