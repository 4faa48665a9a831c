"""Posture templates of infants in the first year: ranges of joint angles, and which way is down.

The ranges follow the paediatric literature. Infants are born flexed: hips lack about 30 degrees and knees
about 20 of full extension in newborns, less than 10 by six months, and hips flex to 130-140, abduct to 70 and
turn outwards to 90 degrees (Haas, Epps and Adams 1973; Waugh et al. 1983; Drews, Vraciu and Pellino 1984;
Broughton, Wright and Menelaus 1993). Postures are those of the Alberta Infant Motor Scale (Piper and Darrah
1994) and, for supine infants, the asymmetric tonic neck posture, hand-to-mouth, midline and hands-to-feet
play.
"""

from dataclasses import dataclass, field

__all__ = ["ARMS", "LEGS", "POSTURES", "POSTURE_LABELS", "Posture"]

Range = tuple[float, float]
Ranges = tuple[Range, Range, Range, Range, Range, Range]

POSTURE_LABELS = ("Supine", "Prone", "Side", "Sitting", "Crawling", "Standing")
ANKLE: tuple[Range, Range] = ((-25, 30), (-5, 25))
HAND: tuple[Range, Range] = ((-40, 40), (-20, 40))

LEGS: dict[str, Ranges] = {
    # hip_flex, hip_out, hip_turn, knee_flex, ankle_up, ankle_in
    "frog": ((65, 120), (30, 75), (15, 70), (60, 125), *ANKLE),
    "kick": ((35, 100), (10, 55), (-5, 50), (20, 100), *ANKLE),
    "tucked": ((100, 135), (5, 45), (0, 40), (70, 135), *ANKLE),
    "feet_up": ((85, 130), (5, 45), (0, 45), (5, 60), *ANKLE),
    "stretched": ((5, 45), (20, 80), (10, 45), (5, 50), *ANKLE),
    "prone_frog": ((20, 85), (50, 90), (10, 60), (40, 115), *ANKLE),
    "prone_straight": ((-5, 25), (30, 90), (5, 40), (5, 60), *ANKLE),
    "prone_heel_up": ((-5, 25), (30, 90), (0, 40), (50, 110), *ANKLE),
    "ring": ((75, 115), (30, 70), (20, 70), (55, 120), *ANKLE),
    "long": ((70, 105), (10, 50), (0, 35), (5, 55), *ANKLE),
    "w": ((75, 115), (15, 50), (-75, -25), (100, 140), *ANKLE),
    "hang": ((50, 95), (5, 45), (0, 35), (40, 100), *ANKLE),
    "kneel": ((60, 115), (0, 35), (-15, 20), (65, 115), (-40, 10), (-5, 20)),
    "step": ((70, 125), (5, 45), (0, 35), (50, 110), *ANKLE),
    "bear": ((70, 120), (0, 35), (0, 30), (5, 50), (0, 35), (-5, 20)),
    "stand": ((0, 35), (10, 60), (5, 35), (0, 35), (0, 25), (-5, 15)),
    "stride": ((15, 60), (5, 40), (0, 30), (10, 60), (-10, 25), (-5, 15)),
    "squat": ((85, 130), (15, 50), (5, 40), (80, 130), (0, 35), (-5, 15)),
    "tall_kneel": ((0, 40), (10, 50), (-5, 25), (75, 120), (-40, 10), (-5, 15)),
    "side": ((35, 110), (-10, 35), (-10, 35), (30, 110), *ANKLE),
}

ARMS: dict[str, Ranges] = {
    # arm_front, arm_up, arm_turn, elbow_flex, forearm_turn, wrist_flex
    "goalpost": ((-5, 35), (-35, 40), (-110, -45), (45, 125), *HAND),
    "by_side": ((0, 40), (-80, -40), (-70, 20), (15, 90), *HAND),
    "midline": ((25, 75), (-65, -15), (-40, 25), (70, 130), *HAND),
    "mouth": ((20, 75), (-65, 0), (-75, 0), (95, 145), *HAND),
    "reach": ((55, 100), (-35, 35), (-60, 30), (0, 65), *HAND),
    "out": ((-5, 40), (-35, 25), (-80, 20), (5, 60), *HAND),
    "overhead": ((0, 60), (35, 85), (-70, 10), (0, 70), *HAND),
    "to_feet": ((50, 95), (-65, -20), (-40, 40), (0, 60), *HAND),
    "forearm_prop": ((35, 85), (-65, -15), (-70, 10), (70, 125), *HAND),
    "hand_prop": ((60, 105), (-45, 20), (-50, 30), (0, 45), *HAND),
    "prone_up": ((-10, 40), (-15, 60), (-100, -30), (40, 125), *HAND),
    "prone_down": ((-15, 25), (-80, -35), (-20, 50), (10, 80), *HAND),
    "sit_prop": ((25, 75), (-80, -45), (-30, 40), (0, 50), *HAND),
    "lap": ((20, 65), (-75, -40), (-20, 35), (35, 105), *HAND),
    "guard": ((0, 50), (-30, 45), (-110, -40), (50, 120), *HAND),
    "hold_on": ((50, 100), (-20, 55), (-60, 20), (10, 90), *HAND),
}


@dataclass(frozen=True, slots=True)
class Posture:
    """One template: angles, limbs to choose from, and contacts with the support."""

    label: str
    """Supine, Prone, Side, Sitting, Crawling or Standing."""
    recline: Range
    """Trunk against gravity, degrees: 0 upright, 90 on the back, -90 on the belly."""
    roll: Range
    """Turn about the trunk's long axis, degrees: 90 = on the right side."""
    trunk: Ranges
    """spine_flex, spine_bend, spine_twist, neck_flex, neck_bend, neck_twist."""
    legs: tuple[str, ...]
    arms: tuple[str, ...]
    weight: float = 1.0
    """Share among the templates."""
    support: str = "trunk"
    """What lies on the support: ``trunk`` (pelvis, chest or head), ``seat`` (pelvis), ``low`` (the lowest
    joint) or ``none`` (held, or in a seat)."""
    touch: tuple[str, ...] = ()
    """Joints that must be within 4 cm of the support: ``wrists``, ``elbows``, ``knees``, ``ankles`` (both),
    ``an_ankle``, ``a_knee`` (one)."""
    goals: tuple[str, ...] = field(default=())
    """``mouth``: a wrist near the mouth; ``feet``: a wrist near an ankle or shin; ``hands``: both
    hands together; ``atnr``: the arm on the face's side straight, the other bent."""


POSTURES: dict[str, Posture] = {
    "supine_kick": Posture(
        "Supine",
        (80, 100),
        (-20, 20),
        ((-5, 25), (-15, 15), (-15, 15), (-10, 25), (-12, 12), (-55, 55)),
        ("frog", "kick", "tucked", "stretched"),
        ("goalpost", "by_side", "midline", "out", "reach"),
        3.0,
    ),
    "supine_mouth": Posture(
        "Supine",
        (75, 100),
        (-20, 20),
        ((0, 30), (-15, 15), (-15, 15), (0, 30), (-12, 12), (-45, 45)),
        ("frog", "kick", "tucked", "stretched"),
        ("mouth", "midline", "goalpost", "by_side"),
        1.5,
        goals=("mouth",),
    ),
    "supine_midline": Posture(
        "Supine",
        (75, 100),
        (-15, 15),
        ((0, 30), (-10, 10), (-10, 10), (0, 30), (-10, 10), (-25, 25)),
        ("frog", "kick", "tucked", "feet_up"),
        ("midline", "reach", "mouth"),
        1.0,
        goals=("hands",),
    ),
    "supine_feet": Posture(
        "Supine",
        (75, 110),
        (-25, 25),
        ((15, 45), (-15, 15), (-15, 15), (0, 35), (-12, 12), (-35, 35)),
        ("feet_up", "tucked", "frog"),
        ("to_feet", "reach", "midline"),
        1.0,
        goals=("feet",),
    ),
    "supine_atnr": Posture(
        "Supine",
        (80, 100),
        (-15, 15),
        ((0, 20), (-15, 15), (-15, 15), (-10, 15), (-10, 10), (40, 85)),
        ("frog", "kick", "stretched"),
        ("out", "goalpost", "mouth", "overhead"),
        1.0,
        goals=("atnr",),
    ),
    "supine_overhead": Posture(
        "Supine",
        (80, 100),
        (-15, 15),
        ((-10, 15), (-15, 15), (-15, 15), (-15, 20), (-12, 12), (-60, 60)),
        ("frog", "kick", "stretched"),
        ("overhead", "goalpost"),
        0.7,
    ),
    "prone_forearms": Posture(
        "Prone",
        (-100, -55),
        (-15, 15),
        ((-40, 0), (-12, 12), (-12, 12), (-45, -5), (-12, 12), (-45, 45)),
        ("prone_frog", "prone_straight", "prone_heel_up"),
        ("forearm_prop",),
        2.0,
        "low",
        ("elbows", "wrists"),
    ),
    "prone_hands": Posture(
        "Prone",
        (-90, -45),
        (-12, 12),
        ((-50, -10), (-12, 12), (-12, 12), (-45, -5), (-12, 12), (-45, 45)),
        ("prone_frog", "prone_straight", "prone_heel_up"),
        ("hand_prop",),
        1.5,
        "low",
        ("wrists",),
    ),
    "prone_flat": Posture(
        "Prone",
        (-100, -75),
        (-15, 15),
        ((-20, 10), (-12, 12), (-12, 12), (-25, 10), (-15, 15), (-90, 90)),
        ("prone_frog", "prone_straight", "prone_heel_up", "tucked"),
        ("prone_up", "prone_down", "forearm_prop"),
        1.5,
    ),
    "prone_reach": Posture(
        "Prone",
        (-100, -60),
        (-25, 25),
        ((-40, 0), (-15, 15), (-20, 20), (-40, 0), (-12, 12), (-45, 45)),
        ("prone_frog", "prone_straight", "prone_heel_up"),
        ("forearm_prop", "hand_prop", "reach", "overhead"),
        1.0,
    ),
    "side": Posture(
        "Side",
        (75, 105),
        (50, 120),
        ((-5, 35), (-15, 15), (-25, 25), (-10, 30), (-15, 15), (-40, 40)),
        ("side", "kick", "tucked"),
        ("reach", "midline", "mouth", "by_side"),
        1.5,
    ),
    "sit_ring": Posture(
        "Sitting",
        (-25, 25),
        (-8, 8),
        ((5, 50), (-12, 12), (-20, 20), (-25, 25), (-12, 12), (-50, 50)),
        ("ring", "frog", "ring"),
        ("sit_prop", "lap", "guard", "mouth", "reach", "out"),
        2.0,
        "seat",
        ("ankles",),
    ),
    "sit_long": Posture(
        "Sitting",
        (-20, 25),
        (-8, 8),
        ((5, 50), (-12, 12), (-20, 20), (-25, 25), (-12, 12), (-50, 50)),
        ("long", "ring"),
        ("sit_prop", "lap", "guard", "mouth", "reach", "out"),
        2.0,
        "seat",
        ("ankles",),
    ),
    "sit_w": Posture(
        "Sitting",
        (-25, 15),
        (-8, 8),
        ((0, 40), (-12, 12), (-20, 20), (-25, 25), (-12, 12), (-50, 50)),
        ("w", "w", "ring"),
        ("sit_prop", "lap", "guard", "reach"),
        0.7,
        "seat",
        ("ankles",),
    ),
    "sit_seat": Posture(
        "Sitting",
        (0, 60),
        (-10, 10),
        ((0, 35), (-15, 15), (-12, 12), (-10, 30), (-15, 15), (-50, 50)),
        ("hang", "frog", "kick", "long"),
        ("lap", "midline", "mouth", "guard", "by_side", "reach", "out"),
        2.0,
        "none",
    ),
    "crawl": Posture(
        "Crawling",
        (-105, -55),
        (-12, 12),
        ((-20, 25), (-15, 15), (-12, 12), (-50, -5), (-12, 12), (-45, 45)),
        ("kneel", "kneel", "step"),
        ("hand_prop",),
        1.5,
        "low",
        ("wrists", "a_knee"),
    ),
    "bear": Posture(
        "Crawling",
        (-135, -75),
        (-12, 12),
        ((-15, 30), (-12, 12), (-12, 12), (-40, 15), (-12, 12), (-40, 40)),
        ("bear", "bear", "step"),
        ("hand_prop",),
        0.6,
        "low",
        ("wrists", "an_ankle"),
    ),
    "stand_hold": Posture(
        "Standing",
        (-35, 10),
        (-8, 8),
        ((-15, 20), (-12, 12), (-20, 20), (-25, 20), (-12, 12), (-55, 55)),
        ("stand", "stand", "stride"),
        ("hold_on", "reach", "hold_on", "overhead", "out"),
        1.5,
        "low",
        ("an_ankle",),
    ),
    "stand_free": Posture(
        "Standing",
        (-20, 10),
        (-8, 8),
        ((-15, 15), (-12, 12), (-15, 15), (-20, 20), (-12, 12), (-50, 50)),
        ("stand", "stride"),
        ("guard", "by_side", "out", "lap", "mouth"),
        1.5,
        "low",
        ("an_ankle",),
    ),
    "kneel_tall": Posture(
        "Standing",
        (-30, 10),
        (-8, 8),
        ((-10, 20), (-12, 12), (-15, 15), (-25, 20), (-12, 12), (-50, 50)),
        ("tall_kneel", "tall_kneel", "step"),
        ("hold_on", "reach", "lap", "guard"),
        0.7,
        "low",
        ("a_knee",),
    ),
    "squat": Posture(
        "Standing",
        (-55, 0),
        (-8, 8),
        ((0, 35), (-12, 12), (-12, 12), (-30, 20), (-12, 12), (-45, 45)),
        ("squat",),
        ("reach", "hold_on", "lap", "sit_prop", "out"),
        0.6,
        "low",
        ("an_ankle",),
    ),
    "held": Posture(
        "Standing",
        (-25, 25),
        (-10, 10),
        ((-10, 25), (-12, 12), (-12, 12), (-20, 25), (-12, 12), (-45, 45)),
        ("hang", "stride", "stand", "kick"),
        ("guard", "out", "lap", "mouth", "reach", "overhead"),
        0.8,
        "none",
    ),
}
