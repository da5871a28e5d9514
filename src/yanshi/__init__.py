"""Yanshi 偃师: an open brain for humanoid robots."""
