"""The record: one database that holds events, receipts, positions, and everything derived from them."""
