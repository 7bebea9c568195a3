"""Everything that touches the outside: files, Spark, Delta; no column expressions of the domain."""
