"""Write a text as a QR code."""

from __future__ import annotations

from uuid import uuid4

import numpy as np

from workflow_engine.api import BlockError, Image, colors

LEVELS = ("Medium", "Low", "High", "Quartile")  # in the order of their numbers in the code's own format
MODULE = 10  # pixels
LONGEST = 2953  # bytes that the largest code of the lowest correction holds


def qr_code_generator(
    *, text: str, error_correct: str, border: int, fill_color: str, back_color: str
) -> dict[str, Image]:
    """Return the smallest QR code that holds the text, ten pixels to the module, with ``border`` modules around it.

    Raises:
        BlockError: The text is too long for a QR code.
    """
    from qrcode.exceptions import DataOverflowError
    from qrcode.main import QRCode

    code: QRCode[object] = QRCode(error_correction=LEVELS.index(error_correct.split()[0]), border=border)
    code.add_data(text)
    try:
        code.make(fit=True)
    except (DataOverflowError, ValueError) as error:
        message = f"The text of {len(text.encode())} bytes is too long for a QR code of this error correction."
        raise BlockError(message, hint=f"The most that any holds is {LONGEST} bytes.", code="bad_value") from error
    dark = np.array(code.get_matrix(), dtype=np.bool_).repeat(MODULE, axis=0).repeat(MODULE, axis=1)
    palette = np.array([colors.parse_color(color).as_bgr() for color in (back_color, fill_color)], dtype=np.uint8)
    return {"qr_code": Image.from_array(palette[dark.astype(np.uint8)], id=f"qr_code.{uuid4()}")}
