"""What can go wrong, and what follows?"""
