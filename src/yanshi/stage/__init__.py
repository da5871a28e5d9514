"""How do several robots put on a show?"""
