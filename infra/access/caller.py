"""Who is asking: a person or service as their token names them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Caller:
    """A person or service with a valid token.

    `id` is spelled as in the token. `programmes` holds ids in lower case, None is all of them. `acts_for` are the roles whose
    messages a service may pass on.
    """

    id: str
    roles: frozenset[str]
    programmes: frozenset[str] | None
    acts_for: frozenset[str]

    def of_programme(self, programme_id: str) -> bool:
        """Whether the token covers a programme."""
        return self.programmes is None or programme_id.lower() in self.programmes
