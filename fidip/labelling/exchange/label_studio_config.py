"""The labelling configuration for Label Studio that belongs to our tasks."""

from xml.sax.saxutils import quoteattr

from fidip.labelling.documents import LABEL_REASONS, POSTURES
from syrip_gen.keypoints.catalog import COCO17

__all__ = [
    "BOX",
    "IMAGE",
    "KEYPOINTS",
    "LOCAL_FILES",
    "NOTE",
    "PERSON",
    "POSTURE",
    "REASONS",
    "VISIBILITY",
    "label_studio_config",
]

IMAGE, KEYPOINTS, BOX, VISIBILITY, POSTURE = "image", "keypoints", "box", "visibility", "posture"
REASONS, NOTE = "reasons", "note"
"""Names of the controls: ``from_name`` of the results."""
PERSON = "person"
LOCAL_FILES = "/data/local-files/?d="
"""Address under which Label Studio serves files of its own machine."""
_COLORS = {"left": "#2a9d5c", "right": "#d95f02", "centre": "#1f77b4"}


def label_studio_config() -> str:
    """Return the configuration: 17 keypoints, a box a person, visibility a point, posture a person.

    Keypoints lie inside the region of their person's box (``parentID``), which is how Label Studio's own
    converters tell people apart; ``model_index`` is the order in its COCO and YOLO exports.
    """
    points = "\n".join(
        f'    <Label value="{name}" background="{_COLORS[side]}" model_index="{index}"/>'
        for index, (name, side) in enumerate(zip(COCO17.keypoints, COCO17.sides, strict=True))
    )
    return f"""<View>
  <Image name="{IMAGE}" value="${IMAGE}" zoom="true" zoomControl="true"/>
  <RectangleLabels name="{BOX}" toName="{IMAGE}">
    <Label value="{PERSON}" background="#7a4fa3"/>
  </RectangleLabels>
  <KeyPointLabels name="{KEYPOINTS}" toName="{IMAGE}" strokeWidth="3" opacity="0.9">
{points}
  </KeyPointLabels>
{_choices(VISIBILITY, ("visible", "occluded"), _of_region(KEYPOINTS))}
{_choices(POSTURE, POSTURES, _of_region(BOX))}
{_choices(REASONS, LABEL_REASONS, 'choice="multiple"')}
  <TextArea name="{NOTE}" toName="{IMAGE}" rows="2" maxSubmissions="1" editable="true"/>
</View>
"""


def _choices(name: str, values: tuple[str, ...], more: str) -> str:
    lines = "\n".join(f"    <Choice value={quoteattr(value)}/>" for value in values)
    return f'  <Choices name="{name}" toName="{IMAGE}" {more}>\n{lines}\n  </Choices>'


def _of_region(control: str) -> str:
    return f'perRegion="true" whenTagName="{control}" choice="single"'
