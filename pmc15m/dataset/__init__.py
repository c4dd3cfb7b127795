"""A workspace in Python: its pairs with their pictures, its figures to be looked at. `pmc15m` itself is the door."""
