"""Content under keys: which key a word is sealed with, where keys live, and what protects them."""
