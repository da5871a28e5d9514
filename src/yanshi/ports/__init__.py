"""How do people and programs get in?"""
