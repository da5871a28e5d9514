"""What is out there?"""
