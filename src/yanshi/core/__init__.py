"""What do parts say to each other, in which frame, at what time?"""
