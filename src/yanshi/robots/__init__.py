"""What is this robot?"""
