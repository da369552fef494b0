"""Pages for people, rendered on the server: on the same functions, roles and matrix as the API."""
