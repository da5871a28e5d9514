"""Where is the robot, and what counts as done?"""
