"""Reference pages that are made from the code, and what stands behind each clause of the codes."""
