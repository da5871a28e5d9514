"""Who runs when, and what if they are late?"""
