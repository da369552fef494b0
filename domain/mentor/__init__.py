"""A mentor: registration, training, professional development and standing."""
