"""The stages of a run: each reads, transforms, writes and reports; no column expressions here."""
