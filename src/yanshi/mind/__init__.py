"""What should it do next, and why?"""
