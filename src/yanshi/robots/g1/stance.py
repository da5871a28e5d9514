"""How the G1 bends its legs to carry its pelvis lower or higher: soles flat, below the hips.

Solved on the model's kinematics; 17 mm are added to each height, by which a walking robot
sags. Ankles bend no farther than 0.82 rad, so that in a deep squat the pelvis goes back.
"""

HEIGHTS = (0.44, 0.49, 0.54, 0.59, 0.64, 0.69, 0.74, 0.78)
"""Of the pelvis above the floor, m."""
LEG_ANGLES: dict[str, tuple[float, ...]] = {
    "hip_pitch": (-1.283, -1.124, -0.951, -0.754, -0.617, -0.488, -0.312, -0.007),
    "knee": (2.097, 1.938, 1.765, 1.568, 1.330, 1.048, 0.669, 0.020),
    "ankle_pitch": (-0.820, -0.820, -0.820, -0.820, -0.719, -0.566, -0.363, -0.019),
}
"""Joint angles at those heights, rad, the same in both legs."""
LEAN_MAX = 0.5
"""How far the waist bends for a lean of the torso, rad; hips must do the rest."""
LEAN_MIN = (0.45, 0.32, 0.18, 0.05, -0.05, -0.1, -0.15, -0.15)
"""How far the torso must lean at least at those heights, rad, to stay above the feet."""
