"""Writes numbers of any width one after the other, as the compact formats of pictures, sound and film want them."""


class Bits:
    """A row of bits. Most formats fill a byte from its high end, WebP from its low end: `low_*` is for the latter."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self.length = 0

    def put(self, value: int, width: int) -> None:
        if width:
            self.code(format(value, f"0{width}b"))

    def low_put(self, value: int, width: int) -> None:
        if width:
            self.code(format(value, f"0{width}b")[::-1])

    def code(self, bits: str) -> None:
        """Append bits spelled out as text."""
        self._pieces.append(bits)
        self.length += len(bits)

    def golomb(self, value: int) -> None:
        """An unsigned number in Exp-Golomb code: as many zeros as it has bits after the first, then the number."""
        text = format(value + 1, "b")
        self.code("0" * (len(text) - 1) + text)

    def signed_golomb(self, value: int) -> None:
        self.golomb(2 * value - 1 if value > 0 else -2 * value)

    def align(self) -> None:
        self.code("0" * (-self.length % 8))

    def raw(self, data: bytes) -> None:
        """Append whole bytes."""
        if data:
            self.put(int.from_bytes(data), len(data) * 8)

    def done(self, fill: str = "0") -> bytes:
        """All bits as bytes, the last one filled up."""
        text = "".join(self._pieces) + fill * (-self.length % 8)
        return int(text or "0", 2).to_bytes(len(text) // 8)

    def low_done(self) -> bytes:
        text = "".join(self._pieces)
        return int(text[::-1] or "0", 2).to_bytes((self.length + 7) // 8, "little")
