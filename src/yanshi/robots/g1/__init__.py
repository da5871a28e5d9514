"""Unitree G1 with Dex3 hands, 43 motors."""
