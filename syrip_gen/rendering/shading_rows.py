"""Where the numbers of a chunk of points stand while they are shaded: one row a kind, one after the other."""

__all__ = [
    "AMBIENT",
    "ATTRIBUTES",
    "BLUE",
    "BOUNCE",
    "CHUNK",
    "CORNER_UV",
    "FLOAT_ROWS",
    "GLOSS",
    "GREEN",
    "HEIGHT",
    "KEY",
    "NORMAL_X",
    "NORMAL_Y",
    "NORMAL_Z",
    "PART_A",
    "PART_B",
    "PART_C",
    "PART_D",
    "POSITIONS",
    "RECORD",
    "RED",
    "START",
    "TEXEL_A",
    "TEXEL_B",
    "TEXEL_C",
    "TEXEL_D",
    "WA",
    "WALLS",
    "WB",
    "WC",
    "WHOLE_ROWS",
    "WIDTH",
    "U",
    "V",
    "X",
    "Y",
]

CHUNK = 128
(RED, GREEN, BLUE, GLOSS, X, Y, WA, WB, WC, U, V, HEIGHT, WIDTH) = (CHUNK * k for k in range(13))
POSITIONS, CORNER_UV, ATTRIBUTES = CHUNK * 13, CHUNK * 22, CHUNK * 28
(NORMAL_X, NORMAL_Y, NORMAL_Z, KEY, AMBIENT, BOUNCE, WALLS) = (ATTRIBUTES + CHUNK * k for k in range(7))
"""Where the rows of numbers start; positions (x, y, z) and texture coordinates (u, v) corner by corner."""
FLOAT_ROWS = 35
(TEXEL_A, TEXEL_B, TEXEL_C, TEXEL_D, PART_A, PART_B, PART_C, PART_D, START) = (CHUNK * k for k in range(9))
"""Where the rows of whole numbers start: the four texels around a point, their shares in 256ths."""
WHOLE_ROWS = 9
RECORD = 10
"""Numbers a vertex, see :class:`syrip_gen.rendering.vertex_light.VertexLight`."""
