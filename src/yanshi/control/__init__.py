"""How does a goal become joint targets?"""
