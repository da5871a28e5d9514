"""What does a trained network want now?"""
