"""The G1's links by what they do."""

from yanshi.robots.links import LinkNames

G1_LINKS = LinkNames(
    root="pelvis",
    torso="torso_link",
    feet=("left_ankle_roll_link", "right_ankle_roll_link"),
    shoulders=("left_shoulder_roll_link", "right_shoulder_roll_link"),
    hands=("left_wrist_yaw_link", "right_wrist_yaw_link"),
    palm=(0.10, 0.0, 0.0),  # Between the palm's plate and the fingers' roots.
)
