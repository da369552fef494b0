"""Facts sent to the addresses of subscribers."""
