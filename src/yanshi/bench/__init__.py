"""How well does it work, with what certainty?"""
