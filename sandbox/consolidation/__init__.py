"""How many computers a set of servers needs when they share them.

Sizing (`sizing`) answers how many of one resource; packing (`packing`) says which server goes
where.  Servers and their utilisation come from CSV or JSON (`servers`).
"""
