"""The five codes of conduct as data, and what implements each clause."""
