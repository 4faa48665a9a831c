"""Labels to and from other tools: AH-CoLT, CVAT, Label Studio."""
