"""The swap boundary: where records live, and how one value replaces another exactly once."""
