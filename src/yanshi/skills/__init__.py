"""What can it do?"""
