"""Pure functions on columns, frames and Arrow tables: no session, no files, no clock."""
