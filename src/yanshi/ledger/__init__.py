"""What does a thought weigh?"""
