"""What orders and fills of a kind of instrument mean in money, one file a product, each with the same functions.

- `spot`: one asset is bought with another, and both change hands at once
"""
