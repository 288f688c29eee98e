"""Tables as recordings: a row is an instant, a column an entity with scalars or text."""
