"""What can go wrong with keys, in a sentence for a person."""

from infra.store.errors import StoreError


class KeysRefused(StoreError):
    """The keys are missing, wrong, or not kept safe, so Rapport does not work with the store."""
