"""Where do policies and adapters come from?"""
