"""Datasets as files: CSV, JSON lines and Parquet, each with a manifest; the same store gives the same bytes."""
