"""A second calculation of the monthly tables, in the standard library only."""
