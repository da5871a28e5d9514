"""How do I reach a robot?"""
